"""Files that are written whole or not at all; unless said otherwise, readable by their owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def made_once(path: Path, make: Callable[[], bytes]) -> Path:
    """`path`, written with what `make` gives when it is not there yet; of two first runs, both take the same file."""
    if path.exists():
        return path
    fresh = _beside(path, make(), 0o600)
    try:
        # link, not rename: of two first runs, the second must not replace what the first one uses already.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Write `text` so that a reader sees the old file or the new one, never a part."""
    _beside(path, text.encode(), mode).replace(path)


def _beside(path: Path, content: bytes, mode: int) -> Path:
    """A complete file next to `path`, on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        os.fchmod(out.fileno(), mode)
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    return fresh
