"""Ways of standing for cells: each turns labels into what a network learns, and its outputs back into cells."""
