"""exod, the supervisor of signed, sandboxed plugins."""

__version__ = "0.1.0"
BUILT = 1795219200
"""When this exod was made, in seconds: no host's clock is believed to be earlier. A release sets it."""
