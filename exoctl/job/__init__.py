"""`exoctl job VERB`: what the daemon is doing or did; watched to the end, or undone."""
