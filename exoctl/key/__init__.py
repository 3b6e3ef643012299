"""`exoctl key VERB`: signing keys, and the anchors that say which of them this host trusts for what."""
