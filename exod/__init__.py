"""The daemon: signed packages and requests on the bus → confined processes that serve, journalled and audited.

Refuses whatever is unsigned, untrusted, out of scope or not built yet, by name. Runs no plugin code itself.
"""

__version__ = "0.1.0"
BUILT = 1795219200
"""When this exod was made, in seconds: no host's clock is believed to be earlier. A release sets it."""
