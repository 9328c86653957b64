"""Pictures whose pixels are labels or masks: found, read, and doubted where they are something else."""
