"""Training networks, one file a kind."""
