"""`exoctl registry VERB`: questions to the register of installed plugins; nothing is changed."""
