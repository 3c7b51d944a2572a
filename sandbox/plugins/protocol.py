"""Pulumi's gRPC classes, without the rest of the SDK.

`import pulumi` loads the whole SDK (0.45 s, once per plugin process, twice per `pulumi up`). The plugins need the
generated classes alone, so the three packages above them are entered as empty ones. The user's program is another
process and gets the real SDK.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from pathlib import Path


def _enter_without_running(name: str, parent_path: list[str] | None) -> list[str]:
    if name in sys.modules:
        return list(sys.modules[name].__path__)
    spec = importlib.machinery.PathFinder.find_spec(name, parent_path)
    if spec is None or spec.origin is None:
        raise ImportError(f"{name} is not installed in {sys.prefix}")
    path = [str(Path(spec.origin).parent)]
    module = types.ModuleType(name)
    module.__path__ = path
    sys.modules[name] = module
    return path


def load() -> None:
    """Make `pulumi.runtime.proto` importable cheaply. Does nothing to what is already imported."""
    path: list[str] | None = None
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        path = _enter_without_running(name, path)
