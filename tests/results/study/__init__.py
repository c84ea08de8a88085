"""What losses add to networks that are trained until they are good: plain, finished, and beside controls."""
