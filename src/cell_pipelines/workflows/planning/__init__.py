"""Plan a study from images and annotations: every setting with the reason for it and the numbers behind it."""
