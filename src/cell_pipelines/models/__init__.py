"""What is known of networks: where their libraries keep things, and the one file that is a trained model."""
