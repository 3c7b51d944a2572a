"""The Pulumi program of every stack; all it does is in `ggi.app.program`."""

from ggi.app.program import main

main()
