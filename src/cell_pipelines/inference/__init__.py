"""Running trained networks on images, one file a kind."""
