"""The recorder's modules can be imported by its tests as the recorder imports them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "code"))
