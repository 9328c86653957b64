"""What a person looks at: images with boxes, figures, and one page that holds them all."""
