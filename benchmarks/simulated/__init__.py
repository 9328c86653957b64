"""Simulated counts, detections, labels and trainings whose truth is known: for benchmarks and tests only."""
