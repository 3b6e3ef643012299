"""Package + what this host trusts + the date → VerifiedPackage, or a Refusal that says who signed and what is missing.

Refuses who is unknown, revoked, expired or out of scope, half a signature, other owners, older versions, wider asks.
Opens no file and reads no clock; the only randomness is in `keys`, where signing keys are made and used.
"""
