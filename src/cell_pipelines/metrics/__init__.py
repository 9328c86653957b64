"""Numbers that say how good predicted cells are: counts from one image, ratios and intervals over many."""
