"""Lets the tests of one room share the files they make."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
