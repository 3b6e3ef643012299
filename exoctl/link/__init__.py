"""`exoctl link VERB`: which plugins send messages to which, and what goes over each link; nothing is changed."""
