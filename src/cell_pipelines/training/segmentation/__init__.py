"""Segmentation ."""
