"""Parts of single formats that do not fit into their one file."""
