"""One file a format, strangers to each other; `registry` knows them by name."""
