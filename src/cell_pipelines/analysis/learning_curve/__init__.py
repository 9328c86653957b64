"""What more training images bring: smoothed histories, a fitted curve over images, and what it can and cannot say."""
