"""Kedro pipelines; they meet in the catalog."""
