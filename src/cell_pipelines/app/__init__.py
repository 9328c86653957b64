"""The web page and the HTTP interface: images in, counts out, corrections and trainings, as jobs in a queue on disk.

Thin: it calls `workflows`, as the commands, the Python interface and Kedro's pipelines do, so that counts are theirs.
"""
