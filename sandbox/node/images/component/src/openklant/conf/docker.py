"""Settings of the stand-in that plays openklant."""

import os

os.environ["COMPONENT"] = "openklant"

from standin.settings import *  # noqa: F403
