"""What instances write to their standard output → one bounded, rotated file for each plugin.

Refuses nothing: who writes too much waits. Knows neither the sandbox that makes the pipes nor who may read the files.
"""
