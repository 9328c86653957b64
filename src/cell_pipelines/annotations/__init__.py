"""Hold annotations of cells in one columnar form, with its geometry and every format's reader and writer."""
