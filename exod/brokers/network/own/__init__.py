"""An instance's `listen` and `udp` entries → a veth of its own, whose policy is the host's: what servers and UDP need.

Refuses ranges that lead elsewhere already, and what this host would not forward. The policy is written twice, at both
ends of the veth, by a worker that lives for one change; whoever is behind it has no right to touch either.
"""
