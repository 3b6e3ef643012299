"""`exoctl daemon VERB`: how the daemon is, and whether its configuration would be accepted."""
