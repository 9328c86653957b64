"""Repeat a recorded run and compare what comes of it.

`inputs` says whether what the run read is still there; `source` finds its code and configuration, `running` starts the
command with them, and `repeating` goes through all of it.
"""
