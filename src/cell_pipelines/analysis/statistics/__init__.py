"""Statistics ."""
