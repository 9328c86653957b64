"""Boxes, rings and masks: the conventions of others, and one turned into another without losing a pixel."""
