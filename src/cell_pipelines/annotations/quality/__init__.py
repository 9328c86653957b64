"""What looks wrong in annotations: slips of the hand and of programs that a person should look at."""
