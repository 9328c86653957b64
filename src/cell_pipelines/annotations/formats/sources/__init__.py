"""Files of a source: found, opened, decoded, and each object collected or refused."""
