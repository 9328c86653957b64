"""Kedro datasets: how the catalog reads and writes what this project works on."""
