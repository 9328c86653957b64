"""Label pictures."""
