"""Training a YOLO."""
