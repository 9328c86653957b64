"""Training networks, one file per kind."""
