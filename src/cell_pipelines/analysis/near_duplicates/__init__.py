"""Pairs of images that show the same field: copies, also turned, mirrored, cropped, resized, brightened, encoded anew."""
