"""The CrossGuard policy pack. Everything is in `ggi.app.policy_pack`."""

from ggi.app.policy_pack import main

main()
