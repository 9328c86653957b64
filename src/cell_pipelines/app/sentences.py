"""Sentences for people who use the page, who see no folders of the server."""

import re
from pathlib import Path

# The folder of a path that no other rule knows; its last part stays.
_FOLDERS = re.compile(r"(?<![\w./<])/(?:[^\s/:;,'\"]+/)+(?=[^\s/])")


def without_places(text: str, root: Path) -> str:
    """Return a sentence in which images are called as they were when they were uploaded, and files by their names.

    Args:
        text: The sentence.
        root: Folder of all jobs.

    >>> without_places("/srv/a b/users/me/jobs/1/uploads/day 1/a.png: it is empty.", Path("/srv/a b"))
    'day 1/a.png: it is empty.'
    >>> without_places("/usr/lib/python3/models/nuclei.pt: this model sees images as they are.", Path("/srv"))
    'nuclei.pt: this model sees images as they are.'
    """
    own = re.compile(rf"{re.escape(root.as_posix())}/(?:users/[^/]+/(?:jobs/[^/]+/(?:uploads/)?)?)?")
    return _FOLDERS.sub("", own.sub("", text))
