"""The plugin recorder at work: its store killed at any point, a day of samples, and its figures. Uses its modules as it
does, by their own names.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/recorder/code"))
