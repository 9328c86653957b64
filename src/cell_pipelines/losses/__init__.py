"""Compute losses, one file each; each takes a weight for every pixel."""
