"""Read, scale and tile images."""
