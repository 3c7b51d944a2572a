"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# On a machine with other work an example may take seconds; how long one takes says nothing about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
