"""The Pulumi program of every stack; all it does is in `ggi.engine.program`."""

from ggi.engine.program import main

main()
