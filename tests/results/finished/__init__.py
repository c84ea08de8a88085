"""What the steps that finish a segmentation do to networks that are trained for long, on real volumes."""
