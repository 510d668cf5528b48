"""Names of array types that the whole package uses."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
