"""Settings of the stand-in that plays openformulieren."""

import os

os.environ["COMPONENT"] = "openformulieren"

from standin.settings import *  # noqa: F403
