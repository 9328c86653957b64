"""Cells of a time-lapse followed from frame to frame: linking, what tracks measure, exchange formats, scores."""
