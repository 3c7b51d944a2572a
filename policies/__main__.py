"""The CrossGuard policy pack. Everything is in `ggi.enforcement.policy_pack`."""

from ggi.enforcement.policy_pack import main

main()
