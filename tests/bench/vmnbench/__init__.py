# SPDX-License-Identifier: Apache-2.0
"""What the measurements share.  They use the lab's modules, which are found
from here."""

import os
import sys

_LAB = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                    "../../../deploy/lab")
if _LAB not in sys.path:
    sys.path.append(_LAB)
