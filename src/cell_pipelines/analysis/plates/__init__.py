"""Plates: values of wells, quality by controls, effects of position, dose-response, hits."""
