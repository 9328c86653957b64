"""Propose annotations, and compare them with what a person corrected."""
