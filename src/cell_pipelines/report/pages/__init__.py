"""The sections of each page, one file per page."""
