"""What a network is punished for, one file a loss; each takes a weight for every pixel."""
