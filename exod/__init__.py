"""The daemon: signed packages and requests on the bus → confined processes that serve, journalled and audited.

Refuses whatever is unsigned, untrusted, out of scope or not built yet, by name. Runs no plugin code itself.
"""

from exod.names import VERSION

__version__ = VERSION
BUILT = 1795219200
"""When this exod was made, in seconds: no host's clock is believed to be earlier. A release sets it."""
