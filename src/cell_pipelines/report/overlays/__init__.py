"""Cells, boxes, spots and tracks drawn on their images."""
