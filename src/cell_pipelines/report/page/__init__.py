"""Build pages: blocks, tables, layers, and the HTML file that holds them all."""
