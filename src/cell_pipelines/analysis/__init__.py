"""Analyse cells: evaluate predictions against ground truth, and measure the biology."""
