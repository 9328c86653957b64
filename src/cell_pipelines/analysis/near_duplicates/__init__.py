"""Pairs of images of the same field: copies, also turned, mirrored, cropped, resized, brightened, encoded anew."""
