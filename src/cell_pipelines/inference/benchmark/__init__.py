"""Measure what a model costs: time, memory, and the same network on other engines."""
