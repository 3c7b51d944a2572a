"""How the rooms may use each other: no circles, imports only downwards, one spelling of what is derived.

Every rule is a function over a folder that looks like the checkout, and is tried on a violation that a test plants.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import resolve_name
from itertools import pairwise
from pathlib import Path

import pytest

from ggi.controls import sdk
from ggi.inventory.types import ENVIRONMENTS
from ggi.paths import ROOT

ORDER = (
    "clock",
    "errors",
    "messages",
    "paths",
    "files",
    "inventory",
    "catalogue",
    "landscape",
    "controls",
    "engine",
    "audit",
    "assurance",
    "enforcement",
    "hosts",
    "cookbook",
    "report",
    "app",
    "fleet",
    "cli",
)
"""Packages of the library, lowest first: each imports only from itself and from what stands before it."""

LIBRARY = tuple(f"ggi.{room}" for room in ORDER if room != "cli")
REACH: dict[str, tuple[str, ...]] = {
    "stacks/components": ("stacks.components", "ggi.catalogue", "ggi.inventory", "ggi.messages"),
    "stacks": LIBRARY,
    "policies/controls": ("ggi.controls.sdk",),
    "policies/hosts": ("ggi.controls.sdk",),
    "policies": (*LIBRARY, "sandbox.platform"),
    "roles": LIBRARY[: LIBRARY.index("ggi.hosts") + 1],
    "inventories": LIBRARY,
    "sandbox": (*LIBRARY, "sandbox"),
    "benchmarks": (*LIBRARY, "ggi.__main__", "sandbox", "benchmarks"),
}
"""What the files of a folder outside the library may import of ours; the most specific folder counts."""

OURS = ("ggi", "sandbox", "stacks", "policies", "roles", "inventories", "benchmarks", "tests")
CLI = "ggi.cli"
FOLDERS = ("src", "sandbox", "policies", "stacks", "roles", "inventories", "benchmarks")
BY_NAME = ("import_module", "__import__")


@dataclass(frozen=True)
class Import:
    """One module that a file imports, anywhere in it: also in a function, for types alone, or by its name as text."""

    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


@cache
def files(root: Path) -> dict[str, Path]:
    """Every Python file of a checkout by the name that others import it by; paths are relative to the checkout."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            words = path.relative_to(root / "src" if folder == "src" else root).with_suffix("").parts
            found[".".join(words[:-1] if words[-1] == "__init__" else words)] = path.relative_to(root)
    return found


@cache
def imports(root: Path) -> dict[str, list[Import]]:
    """What each module imports, by the module's name."""
    known = files(root)
    return {name: list(_imports(root, name, path, known)) for name, path in known.items()}


def _imports(root: Path, name: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            inner = [f"{origin}.{alias.name}" for alias in node.names]
            found = [module if module in known else origin for module in inner]
        elif isinstance(node, ast.Call) and _name(node.func) in BY_NAME:
            found = [resolve_name(name, package) if name.startswith(".") else name for name in _named(node)]
        else:
            continue
        for module in dict.fromkeys(found):
            # A script of benchmarks/ imports its neighbours by their bare names.
            beside = f"{package}.{module}"
            yield Import(path, node.lineno, beside if module not in known and beside in known else module)


def _named(call: ast.Call) -> Iterator[str]:
    """The module that `import_module("...")` names; of a name made while it runs, what is given of its beginning."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.JoinedStr):
        first = first.values[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value.removesuffix(".")


def circles(root: Path) -> list[list[str]]:
    """Groups of files that import each other, directly or through others."""
    direct = {name: {one.module for one in found} - {name} for name, found in imports(root).items()}

    def reached(name: str) -> set[str]:
        seen: set[str] = set()
        ahead = list(direct[name])
        while ahead:
            if (module := ahead.pop()) not in seen:
                seen.add(module)
                ahead.extend(direct.get(module, ()))
        return seen

    reach = {name: reached(name) for name in direct}
    groups = {frozenset(n for n in reach[name] if name in reach.get(n, ())) for name in direct if name in reach[name]}
    return sorted(sorted(group) for group in groups)


def within(module: str, rooms: tuple[str, ...]) -> bool:
    """Whether a module is one of these rooms or in one of them."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def reach(path: Path) -> tuple[str, ...]:
    """What of ours a file may import, by its place."""
    if path.parts[:2] == ("src", "ggi"):
        room = path.parts[2].removesuffix(".py")
        if room.startswith("__"):
            return ("ggi",) if room == "__main__" else ()
        rooms = tuple(f"ggi.{name}" for name in ORDER[: ORDER.index(room) + 1])
        return (*rooms, "sandbox") if room == "cli" else rooms
    return next(REACH[str(folder)] for folder in path.parents if str(folder) in REACH)


def against_the_layers(root: Path) -> list[str]:
    """Imports of ours that go upwards or into a room that is none of theirs; the command line has a rule of its own."""
    return [
        str(one)
        for found in imports(root).values()
        for one in found
        if within(one.module, OURS) and not within(one.module, (*reach(one.file), CLI))
    ]


def of_the_command_line(root: Path) -> list[str]:
    """Imports of the command line by anything but itself and the library's `__main__`."""
    own = Path("src", "ggi", "cli")
    return [
        str(one)
        for found in imports(root).values()
        for one in found
        if within(one.module, (CLI,)) and own not in one.file.parents and one.file != Path("src", "ggi", "__main__.py")
    ]


def beyond_the_sdk(root: Path) -> list[str]:
    """Imports of a check that are neither the SDK nor Python's own."""
    return [
        str(one)
        for found in imports(root).values()
        for one in found
        if one.file.name == "check.py" and one.file.parts[0] == "policies"
        if one.module != "ggi.controls.sdk" and one.module.split(".")[0] not in sys.stdlib_module_names
    ]


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_list_of_environments(node: ast.AST) -> bool:
    """As a tuple, list or set, as the keys of a mapping, as the members of a class, or as one text of the four."""
    items: list[ast.expr | None] = []
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        items = [*node.elts]
    elif isinstance(node, ast.Dict):
        items = node.keys
    elif isinstance(node, ast.ClassDef):
        items = [inner.value for inner in node.body if isinstance(inner, ast.Assign)]
    said = {item.value for item in items if isinstance(item, ast.Constant)}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return sorted(re.findall(r"\w+", node.value)) == sorted(ENVIRONMENTS)
    return set(ENVIRONMENTS) <= said


def _is_default_name(node: ast.AST) -> bool:
    """`settings.host or ...`, `... if settings.database is None else settings.database`."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        parts = node.values[:1]
    elif isinstance(node, ast.IfExp):
        asked = {_name(inner) for inner in ast.walk(node.test)}
        parts = [part for part in (node.body, node.orelse) if _name(part) in asked]
    return any(isinstance(part, ast.Attribute) and part.attr in ("host", "database") for part in parts)


def _is_name_below_the_domain(node: ast.AST) -> bool:
    """`f"{component}.{environment.domain}"`, also in a longer text, or put together with `+`, `%`, `join`, `format`."""
    if isinstance(node, ast.JoinedStr):
        return any(
            _ends_in_dot(dot) and _is_domain(last) and (_is_dot(dot) or isinstance(last.value, ast.Attribute))
            for dot, last in pairwise(node.values)
            if isinstance(last, ast.FormattedValue)
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_domain(node.right) and _ends_in_dot(
            node.left.right if isinstance(node.left, ast.BinOp) else node.left
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _has_dot_before_gap(node.left) and any(map(_is_domain, ast.walk(node.right)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        joined = node.func.attr == "join" and _is_dot(node.func.value)
        filled = node.func.attr == "format" and _has_dot_before_gap(node.func.value)
        return (joined or filled) and any(_is_domain(inner) for one in node.args for inner in ast.walk(one))
    return False


def _is_domain(node: ast.AST) -> bool:
    return _name(node.value if isinstance(node, ast.FormattedValue) else node) == "domain"


def _is_dot(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "."


def _ends_in_dot(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".")


def _has_dot_before_gap(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(re.search(r"\.[%{]", node.value))


def _is_loading_by_path(node: ast.AST) -> bool:
    return _name(node) == "spec_from_file_location"


DERIVED: tuple[tuple[Callable[[ast.AST], bool], str, str], ...] = (
    (_is_list_of_environments, "src/ggi/inventory/types.py", "ENVIRONMENTS"),
    (_is_default_name, "src/ggi/inventory/resolve.py", "Environment.host or Environment.database"),
    (_is_name_below_the_domain, "src/ggi/inventory/resolve.py", "Environment.default_host"),
    (_is_loading_by_path, "src/ggi/catalogue/modules.py", "load_module"),
)
"""What is derived in one file: how a second spelling looks, that file, and what to use instead."""


def second_spellings(root: Path) -> list[str]:
    """Places that derive again what another file derives."""
    return [
        f"{path}:{node.lineno} has its own {instead}"  # type: ignore[attr-defined]
        for path in files(root).values()
        for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8")))
        for looks, home, instead in DERIVED
        if looks(node) and path != Path(home)
    ]


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(ROOT) == []


def test_imports_go_one_way() -> None:
    assert against_the_layers(ROOT) == []


def test_nobody_but_the_start_imports_the_command_line() -> None:
    assert of_the_command_line(ROOT) == []


def test_checks_import_the_sdk_alone() -> None:
    assert beyond_the_sdk(ROOT) == []


def test_what_is_derived_is_derived_in_one_place() -> None:
    assert second_spellings(ROOT) == []


def test_every_room_and_folder_is_looked_at() -> None:
    found = imports(ROOT)
    assert {path.parts[0] for path in files(ROOT).values()} == set(FOLDERS)
    assert {name.split(".")[1] for name in found if name.startswith("ggi.")} - {"__main__"} == set(ORDER)
    assert sum(map(len, found.values())) > 1000


def _documented(module: str) -> dict[str, str]:
    """The docstrings of a module's functions, classes and constants, by name."""
    found: dict[str, str] = {}
    body = ast.parse((ROOT / files(ROOT)[module]).read_text(encoding="utf-8")).body
    for node, below in pairwise(body):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = [inner for target in targets for inner in ast.walk(target)]
            found |= {_name(inner): ast.literal_eval(below.value) for inner in named if isinstance(inner, ast.Name)}
    return found | {
        node.name: ast.get_docstring(node) or "" for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def test_every_name_of_the_sdk_has_an_example_that_is_python() -> None:
    """Where it is defined, or in the SDK's own first words."""
    name = "ggi.controls.sdk"
    shown = [block.split("```")[0] for block in (sdk.__doc__ or "").split("```python")[1:]]
    used = {_name(node) for block in shown for node in ast.walk(ast.parse(block))}
    tree = ast.parse((ROOT / files(ROOT)[name]).read_text(encoding="utf-8"))
    said = _documented(name)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ggi."):
            said |= {one.name: _documented(node.module)[one.name] for one in node.names}
    for exported in set(sdk.__all__) - used:
        _, example, rest = said[exported].partition("Example: `")
        assert example, f"{exported} has no example"
        ast.parse(rest.split("`")[0])


@pytest.mark.parametrize(
    ("planted", "rule", "told"),
    [
        ({"src/ggi/audit/a.py": "from ggi.audit import b", "src/ggi/audit/b.py": "from ggi.audit.a import x"},
         circles, "ggi.audit.b"),
        ({"src/ggi/audit/a.py": "if TYPE_CHECKING:\n    from ggi.audit.b import B",
          "src/ggi/audit/b.py": "import ggi.audit.c", "src/ggi/audit/c.py": "def f():\n    from ggi.audit import a"},
         circles, "ggi.audit.c"),
        ({"stacks/components/_a.py": "from . import _b", "stacks/components/_b.py": "from ._a import x"},
         circles, "stacks.components._b"),
        ({"benchmarks/a.py": "import b", "benchmarks/b.py": "import a"}, circles, "benchmarks.b"),
        ({"src/ggi/audit/a.py": "import_module('.b', __package__)", "src/ggi/audit/b.py": "__import__('ggi.audit.a')"},
         circles, "ggi.audit.b"),
        ({"src/ggi/audit/a.py": "importlib.import_module('ggi.report.page')"}, against_the_layers, "ggi.report.page"),
        ({"src/ggi/app/a.py": "import_module(f'ggi.cli.{name}')"}, of_the_command_line, "app/a.py:1 imports ggi.cli"),
        ({"src/ggi/__init__.py": "from ggi.app import program"}, against_the_layers, "imports ggi.app"),
        ({"inventories/a.py": "from ggi.cli import root"}, of_the_command_line, "inventories/a.py:1"),
        ({"policies/controls/A-1/check.py": "import_module('ggi.audit')"}, beyond_the_sdk, "imports ggi.audit"),
        ({"src/ggi/inventory/a.py": "from ggi.report import page"}, against_the_layers, "a.py:1 imports ggi.report"),
        ({"src/ggi/engine/a.py": "\n\ndef f():\n    import sandbox.layout"}, against_the_layers, "a.py:4"),
        ({"sandbox/a.py": "from benchmarks import run"}, against_the_layers, "benchmarks"),
        ({"stacks/components/a.py": "from ggi.landscape.build import landscape"}, against_the_layers, "ggi.landscape"),
        ({"roles/library/a.py": "from ggi.report.page import x"}, against_the_layers, "ggi.report"),
        ({"policies/controls/A-1/check.py": "from ggi.controls.realm import x"}, against_the_layers, "realm"),
        ({"benchmarks/a.py": "from tests import example"}, against_the_layers, "tests"),
        ({"sandbox/a.py": "from ggi.cli.main import main"}, of_the_command_line, "sandbox/a.py:1"),
        ({"src/ggi/fleet/a.py": "import ggi.cli"}, of_the_command_line, "fleet/a.py"),
        ({"policies/controls/A-1/check.py": "import yaml"}, beyond_the_sdk, "imports yaml"),
        ({"policies/hosts/A-1/check.py": "from ggi.errors import Origin"}, beyond_the_sdk, "imports ggi.errors"),
        ({"sandbox/a.py": "E = ['prod', 'accp', 'test', 'ontw']"}, second_spellings, "its own ENVIRONMENTS"),
        ({"sandbox/a.py": "E = dict(a={'prod': 1, 'accp': 2, 'test': 3, 'ontw': 4})"},
         second_spellings, "its own ENVIRONMENTS"),
        ({"sandbox/a.py": "E = 'ontw test accp prod'.split()"}, second_spellings, "its own ENVIRONMENTS"),
        ({"sandbox/a.py": "class E:\n    O = 'ontw'\n    T = 'test'\n    A = 'accp'\n    P = 'prod'"},
         second_spellings, "its own ENVIRONMENTS"),
        ({"stacks/components/a.py": "h = settings.host or 'x'"}, second_spellings, "Environment.host"),
        ({"stacks/components/a.py": "h = 'x' if s.host is None else s.host"}, second_spellings, "Environment.host"),
        ({"sandbox/a.py": "h = f'https://{name}.{place.domain}/x'"}, second_spellings, "default_host"),
        ({"sandbox/a.py": "h = f'openzaak.{place.domain}'"}, second_spellings, "default_host"),
        ({"sandbox/a.py": "h = name + '.' + place.domain"}, second_spellings, "default_host"),
        ({"sandbox/a.py": "h = '.'.join([name, place.domain])"}, second_spellings, "default_host"),
        ({"sandbox/a.py": "h = '{}.{}'.format(name, place.domain)"}, second_spellings, "default_host"),
        ({"sandbox/a.py": "h = '%s.%s' % (name, place.domain)"}, second_spellings, "default_host"),
        ({"policies/controls/A-1/check.py": "h = f'{name}.{place.domain}'"}, second_spellings, "default_host"),
        ({"src/ggi/hosts/a.py": "from importlib.util import spec_from_file_location as f\n"
                                "importlib.util.spec_from_file_location('a', 'b')"}, second_spellings, "load_module"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_refused(
    tmp_path: Path, planted: dict[str, str], rule: Callable[[Path], list[object]], told: str
) -> None:
    for name, text in planted.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert told in str(rule(tmp_path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("src/ggi/__main__.py", "from ggi.cli.main import main"),
        ("src/ggi/cli/a.py", "from sandbox.layout import Layout"),
        ("policies/controls/A-1/check.py", "import re\nfrom ggi.controls.sdk import verdict"),
        ("sandbox/a.py", "PAIR = ('accp', 'prod')\nplace = server.hostname or ''\nmail = f'post@{e.domain}'"),
    ],
)
def test_what_is_allowed_is_let_through(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    rules = (circles, against_the_layers, of_the_command_line, beyond_the_sdk, second_spellings)
    assert [rule(tmp_path) for rule in rules] == [[]] * len(rules)
