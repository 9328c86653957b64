"""Compare predictions with ground truth: matching, counts, errors, thresholds, intervals."""
