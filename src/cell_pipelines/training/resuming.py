"""The error of a training that can't go on where it stopped."""


class ResumeError(ValueError):
    """A training that can't go on, since it was started with other settings or data."""
