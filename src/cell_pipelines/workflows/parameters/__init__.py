"""Parameters that several pipelines share."""
