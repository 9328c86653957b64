"""Prepare an annotation set for writing by any format."""
