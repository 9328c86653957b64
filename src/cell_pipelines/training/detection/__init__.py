"""Detection ."""
