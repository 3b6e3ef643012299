"""`exoctl audit VERB`: what exod recorded, read from the daemon or from a copy, and whether anybody changed it."""
