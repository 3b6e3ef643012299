"""`exoctl plugin VERB`: one file for each thing that can be done to a plugin; all of it is asked of the daemon."""
