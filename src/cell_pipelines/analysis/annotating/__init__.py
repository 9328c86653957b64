"""Annotating."""
