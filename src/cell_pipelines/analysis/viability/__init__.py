"""Live and dead cells: how many there are, how sure that is, and what conditions and doses do to them."""
