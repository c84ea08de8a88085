"""What all kernels rest on: how they are compiled, bits of words, threads."""
