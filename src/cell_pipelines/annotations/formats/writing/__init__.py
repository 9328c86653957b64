"""What happens to an annotation set before any format writes it."""
