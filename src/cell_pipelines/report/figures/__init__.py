"""Figures, one file per kind; each function returns a Matplotlib figure."""
