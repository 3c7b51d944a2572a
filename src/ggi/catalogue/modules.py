"""Python of content roots: components, their building blocks, and checks, loaded by path.

Each content root is a package `ggi_content.<root>`, named after its path, so that roots never take each other's names
and a worker process that loads the same root gets the same names. The building blocks of all roots, which are the files
`stacks/components/_<name>.py`, can be imported as `ggi_content.blocks.<name>`; of two with one name the first root's
counts, so a name of the checkout always means the checkout's.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from ggi.errors import InputError, Origin, Problem
from ggi.messages import t

BLOCKS = "ggi_content.blocks"
COMPONENTS = ("stacks", "components")
"""Where the components and the building blocks of a content root are."""


def package(root: Path, *folders: str) -> str:
    """Name of the package of a folder in a content root, such as `stacks`, `components`; it and those above are made.

    What `load_module` loads into it imports its neighbours with `from ._neighbour import ...`.
    """
    names = ["ggi_content", "root_" + hashlib.sha256(bytes(root.resolve())).hexdigest()[:12], *folders]
    for end in range(1, len(names) + 1):
        name = ".".join(names[:end])
        if name not in sys.modules:
            sys.modules[name] = ModuleType(name)
            sys.modules[name].__path__ = [str(root.joinpath(*folders[: end - 2]))] if end > 2 else []
    return ".".join(names)


def load_module(path: Path, parent: str, shown: str = "") -> ModuleType:
    """The module in the file `path`, run anew, as `<parent>.<name>`; `shown` is the file's name in messages.

    Raises InputError with the line that failed, in this file or in a neighbour that it imports.
    """
    name = f"{parent}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: S101  (so for every name that ends in .py)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(
            Problem(
                t("this file can't be loaded: {why}", why=f"{type(error).__name__}: {error}"),
                t("Correct the file."),
                _place(error, path, shown or str(path)),
            )
        ) from None
    return module


def _place(error: BaseException, path: Path, shown: str) -> Origin:
    """The innermost line of `path` or of a file beside it that ran before the error, or that is no Python."""
    ran = [(frame.filename, frame.lineno or 1) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        ran.append((error.filename, error.lineno or 1))
    file, line = next((one for one in reversed(ran) if Path(one[0]).parent == path.parent), (str(path), 1))
    return Origin(shown if file == str(path) else file, line)


class _Blocks(MetaPathFinder, Loader):
    """Finds `ggi_content.blocks.<name>`: the module that components beside `_<name>.py` import, not a copy of it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        parent, _, name = fullname.rpartition(".")
        for folder in path or () if parent == BLOCKS else ():
            if Path(folder, f"_{name}.py").is_file():
                return ModuleSpec(fullname, self, origin=folder)
        return None

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ and module.__spec__.origin  # noqa: S101  (find_spec has set both)
        parent = package(Path(module.__spec__.origin).parents[1], *COMPONENTS)
        sys.modules[module.__name__] = importlib.import_module(f"{parent}._{module.__name__.rpartition('.')[2]}")


def share_blocks(roots: Sequence[Path]) -> None:
    """Offer the building blocks of these content roots as `ggi_content.blocks.<name>`, instead of those before."""
    if not any(isinstance(finder, _Blocks) for finder in sys.meta_path):
        # First, since Python's own finder would take `keycloak.py` for the block `_keycloak.py`.
        sys.meta_path.insert(0, _Blocks())
    for name in [name for name in sys.modules if name.startswith(f"{BLOCKS}.")]:
        del sys.modules[name]
    sys.modules[BLOCKS] = ModuleType(BLOCKS)
    sys.modules[BLOCKS].__path__ = [str(root.resolve().joinpath(*COMPONENTS)) for root in roots]
