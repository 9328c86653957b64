"""Draw images with boxes and figures, and write the page that holds them all."""
