"""What is imported is declared, and what is declared is used."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from ggi.paths import ROOT

FOLDERS = ("src", "sandbox", "stacks", "policies", "roles", "cookbook", "inventories", "benchmarks", "tests")
FOR_USERS = ("src", "sandbox", "stacks", "policies", "roles", "cookbook", "inventories")
OWN = {"ggi", "ggi_content", "sandbox", "tests", "benchmarks", "standin"}
NOT_IMPORTED = {
    "ansible-lint": "a program; .ci/run",
    "mypy": "a program; .ci/run",
    "pre-commit": "a program",
    "ruff": "a program; .ci/run",
    "yamllint": "a program; .ci/run",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "types-jsonschema": "types for mypy",
    "types-openpyxl": "types for mypy",
    "types-pyyaml": "types for mypy",
    "pulumi-kubernetes": "its version is the plugin's; programs of tests/engine import it",
    "django-setup-configuration": "the Django project of sandbox/node/images/component imports it, in tests/real too",
    "structlog": "the Django project of sandbox/node/images/component imports it, in tests/real too",
    "notifications-api-common": "an app of the Django project of sandbox/node/images/component, named in its settings",
}
"""Dependencies that no module imports, each with its reason."""
ELSEWHERE = {
    ("src", "babel"): "`python -m ggi.cli.translations` is for development",
    ("stacks", "django"): "in the program of a Job, which runs in the component's own image",
    ("stacks", "certifi"): "in the settings of a component, which runs in its own image",
}
"""Imports that a user's environment need not have, each with its reason."""


def _name(text: str) -> str:
    """The name of a distribution as indexes write it, from a requirement such as `pydantic_core>=2`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", text)[0]).lower()


def _declared() -> tuple[set[str], set[str]]:
    """What users need, and what development needs on top of that."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    users = {_name(text) for text in project["project"]["dependencies"]}
    return users, {_name(text) for text in project["dependency-groups"]["dev"]}


def _imports(path: Path) -> Iterator[str]:
    """The first words of everything that a module imports, at any place in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _used() -> dict[str, set[str]]:
    """Per folder, what is imported from elsewhere."""
    return {
        folder: {
            name
            for path in (ROOT / folder).rglob("*.py")
            # What runs in images of its own brings its libraries with it (its requirements.txt).
            if not path.is_relative_to(ROOT / "sandbox" / "node" / "images")
            for name in _imports(path)
        }
        - sys.stdlib_module_names
        - OWN
        for folder in FOLDERS
    }


def test_what_is_imported_is_declared() -> None:
    users, dev = _declared()
    known = importlib.metadata.packages_distributions()
    wrong = []
    for folder, names in _used().items():
        declared = users if folder in FOR_USERS else users | dev
        for name in sorted(names):
            if (folder, name) in ELSEWHERE:
                continue
            if name in known and not {_name(found) for found in known[name]} & declared:
                wrong.append(f"{folder} imports {name}, of {known[name]}; declare it in pyproject.toml")
            elif name not in known and not any(ROOT.glob(f"{folder}/**/{name}.py")) and not _is_folder(folder, name):
                wrong.append(f"{folder} imports {name}, which is nowhere")
    assert not wrong


def _is_folder(folder: str, name: str) -> bool:
    return any(path.is_dir() for path in (ROOT / folder).rglob(name))


def test_what_is_declared_is_imported_or_has_its_reason() -> None:
    users, dev = _declared()
    known = importlib.metadata.packages_distributions()
    used = {_name(found) for names in _used().values() for name in names for found in known.get(name, ())}
    assert (users | dev) - used == set(NOT_IMPORTED)
