"""The CrossGuard policy pack. Everything is in `ggi.audit.crossguard`."""

from ggi.audit.crossguard import main

main()
