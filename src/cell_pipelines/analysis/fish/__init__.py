"""Interphase FISH: spots in nuclei, signals, patterns, and how many nuclei have another number of chromosomes."""
