"""The supervisor on a virtual clock, over a disk, a keeper and plugins that fail as told: a seed → one trace.

Everything below `exod/supervisor` and `exod/plan` is the real code; verification is a fake one, for speed.
"""

import logging

logging.getLogger("exod").addHandler(logging.NullHandler())  # the trace has it all
