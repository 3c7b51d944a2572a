"""Where things are: the checkout, the cache of built tools, the state of sandboxes."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout: holds Pulumi.yaml, the content folders and `src/`."""


def _home(own: str, xdg: str, fallback: str) -> Path:
    if value := os.environ.get(own):
        return Path(value).expanduser().resolve()
    base = os.environ.get(xdg) or Path.home() / fallback
    return Path(base).expanduser().resolve() / "ggi"


def cache_dir() -> Path:
    """Things that can be made again, keyed by version: `GGI_CACHE_HOME`, else the user's cache folder."""
    return _home("GGI_CACHE_HOME", "XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """Things that can't be made again: sandboxes, local stack state. `GGI_STATE_HOME`, else the user's state folder."""
    return _home("GGI_STATE_HOME", "XDG_STATE_HOME", ".local/state")
