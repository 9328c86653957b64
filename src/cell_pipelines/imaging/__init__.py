"""What is known of pixels: reading them right, scaling them, cutting them into tiles."""
