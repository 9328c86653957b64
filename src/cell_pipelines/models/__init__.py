"""Describe networks, their libraries' folders, and the one file that is a trained model."""
