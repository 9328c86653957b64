"""Running trained networks on images, one file per kind."""
