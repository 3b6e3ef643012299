"""`exoctl package VERB`: directories → signed packages → verdicts about them, without a daemon."""
