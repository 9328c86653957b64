"""What a page is made of: blocks, tables, layers, and the HTML file that holds them all."""
