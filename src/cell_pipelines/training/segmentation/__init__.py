"""Training a segmentation network."""
