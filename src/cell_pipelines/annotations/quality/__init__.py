"""Find likely annotation errors that a person should look at."""
