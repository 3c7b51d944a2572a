"""`python -m ggi`."""

import sys

from ggi.cli.app import main

sys.exit(main())
