"""Package + what this host trusts + the date → VerifiedPackage, or a Refusal that says who signed and what is missing.

Refuses who is unknown, revoked, expired or out of scope, half a signature, other owners, older versions, wider asks.
Opens no file, reads no clock, knows no private key: those are the command line's (`exoctl/private.py`).
"""
