"""Every proof exod gives of itself. `python -m tests` runs them all; docs/testing.md says how to write each kind."""
