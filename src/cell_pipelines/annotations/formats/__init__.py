"""One file per format, strangers to each other; `registry` knows them by name."""
