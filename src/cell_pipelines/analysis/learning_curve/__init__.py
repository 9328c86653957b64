"""Estimate what more training images bring: smoothed histories, a curve over images, and what it can and cannot say."""
