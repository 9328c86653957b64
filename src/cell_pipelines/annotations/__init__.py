"""What is known of the cells in images: one columnar form, its geometry, and every format's reader and writer."""
