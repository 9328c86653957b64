"""Compare groups of measured cells: rank tests, effect sizes, series."""
