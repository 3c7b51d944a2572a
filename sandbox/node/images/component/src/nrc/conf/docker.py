"""Settings of the stand-in that plays opennotificaties."""

import os

os.environ["COMPONENT"] = "opennotificaties"

from standin.settings import *  # noqa: F403
