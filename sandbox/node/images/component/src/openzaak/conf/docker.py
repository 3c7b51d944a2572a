"""Settings of the stand-in that plays openzaak."""

import os

os.environ["COMPONENT"] = "openzaak"

from standin.settings import *  # noqa: F403
