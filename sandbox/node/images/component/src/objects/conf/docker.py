"""Settings of the stand-in that plays openobject."""

import os

os.environ["COMPONENT"] = "openobject"

from standin.settings import *  # noqa: F403
