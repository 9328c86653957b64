"""What follows from cells: truth and predictions side by side, and later the biology."""
