"""Finding controls by looking: `policies/controls/<id>/` in the checkout and in further content roots."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.controls import cel
from ggi.controls.control import Check, Control, ControlFile, RetiredControl, RetiredFile
from ggi.controls.evidence import codes_in
from ggi.controls.kinds import expand
from ggi.controls.terms import Terms, load_terms
from ggi.errors import GgiError, InputError, Origin, Problem, raise_if
from ggi.inventory.tree import Node, read
from ggi.inventory.validate import validate
from ggi.messages import t

FOLDER = Path("policies") / "controls"
OVER = "objects"
"""What the families of these controls look at."""


@dataclass(frozen=True)
class Controls:
    """All controls by id, the ids that are retired, and the folder of each control."""

    by_id: Mapping[str, Control]
    retired: Mapping[str, RetiredControl]
    folders: Mapping[str, Path]

    def __iter__(self) -> Any:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)


def _source(tree: Node, lines: Sequence[str], text: str, *path: str) -> cel.Source:
    """An expression with the place of its first line: a block begins on the line after its key."""
    node = tree.child(*path)
    origin = node.origin if node is not None else tree.origin
    block = re.search(r":\s*[|>][-+0-9]*\s*(#.*)?$", lines[origin.line - 1]) if origin.line <= len(lines) else None
    return cel.Source(text, Origin(origin.file, origin.line + bool(block), origin.layer))


def _expressions(
    file: ControlFile, tree: Node, lines: Sequence[str], problems: list[Problem]
) -> tuple[Mapping[str, str], bool]:
    """The variables of a control, and whether all its CEL compiles."""
    variables = {**cel.COMMON, **file.variables}
    fine = True
    texts: list[tuple[tuple[str, ...], str, str]] = [
        (("variables", name), text, "") for name, text in file.variables.items()
    ]
    texts += [(("when",), file.when, "BOOL"), (("cel",), file.cel, "BOOL"), (("evidence",), file.evidence, "STRING")]
    for path, text, wanted in texts:
        if not text:
            continue
        source = _source(tree, lines, text, *path)
        fine = cel.check(source, wanted, problems) and fine
        for name in cel.unknown_variables(text, variables):
            problems.append(Problem(t("there is no variable {name}", name=name), t("Declare it."), source.origin))
            fine = False
    return variables, fine


def _load_check(path: Path, name: str, shown: str, problems: list[Problem]) -> Check | None:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: S101  (the file exists)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        problems.append(Problem(t("this check can't be loaded: {why}", why=why), "", Origin(shown, 1)))
        return None
    check: Callable[..., Any] | None = getattr(module, "check", None)
    if check is None:
        problems.append(Problem(t("this file has no function `check`"), t("Write one."), Origin(shown, 1)))
    return check


def _control(folder: Path, shown: str, module: str, terms: Terms, problems: list[Problem]) -> Control | None:
    path = folder / "control.yaml"
    shown_file = f"{shown}/control.yaml"
    try:
        tree = read(path, shown_file, "control")
    except GgiError as error:
        problems.extend(error.problems)
        return None
    file = validate(tree, ControlFile, problems)
    if file is None:
        return None
    if file.id != folder.name:
        message = t("control {id} must be in a folder of that name", id=file.id)
        problems.append(Problem(message, t("Rename the folder, or correct the id."), tree.origin))
        return None
    if strange := [*terms.problems(file, tree, OVER)]:
        problems.extend(strange)
        return None
    check_file = folder / "check.py"
    if bool(file.cel) == check_file.is_file():
        message = t("a control has either `cel` or a check.py, one of the two")
        problems.append(Problem(message, t("Remove one, or write one."), tree.origin))
        return None
    kinds = frozenset(expand(file.kinds))
    origin = Origin(shown_file, 1)
    family, vocabulary = terms.family(file.id), terms.vocabulary(file)
    if check_file.is_file():
        check = _load_check(check_file, module, f"{shown}/check.py", problems)
        return Control(file, kinds, origin, check=check, family=family, vocabulary=vocabulary) if check else None
    lines = path.read_text(encoding="utf-8").splitlines()
    variables, fine = _expressions(file, tree, lines, problems)
    needed = [file.evidence, *(variables[name] for name in cel.used(file.evidence, variables))]
    for code in dict.fromkeys(codes_in(needed)):
        if code not in vocabulary.named:
            message = t("the evidence has a code without words: {code}", code=code)
            fix = t("Write its words below `seen`, or name it in `shared`.")
            problems.append(Problem(message, fix, _source(tree, lines, file.evidence, "evidence").origin))
            fine = False
    if not fine:
        return None

    def whole(text: str) -> str:
        return cel.inlined(text, variables)

    rule = f"({whole(file.cel)}) ? 1 : 0"
    if file.when:
        rule = f"({whole(file.when)}) ? ({rule}) : 2"
    evidence = whole(file.evidence)
    # A name that one of them reads is read, also when the other only asks whether it is there.
    fields = cel.fields(f"{rule} {evidence}")
    return Control(
        file,
        kinds,
        origin,
        variables,
        rule=cel.compiled(rule),
        evidence=cel.compiled(evidence),
        family=family,
        vocabulary=vocabulary,
        reads=cel.words(rule),
        fields=fields,
        keys=cel.keys(f"{rule} {evidence}"),
    )


def load_controls(roots: Sequence[Path]) -> Controls:
    """All controls of all content roots, by id; a later root wins. Raises InputError with every problem found."""
    problems: list[Problem] = []
    found: dict[str, Control] = {}
    folders: dict[str, Path] = {}
    retired: dict[str, RetiredControl] = {}
    terms = load_terms(roots)
    for index, root in enumerate(roots):
        base = root / FOLDER
        if (listed := base / "retired.yaml").is_file():
            file = validate(read(listed, str(FOLDER / "retired.yaml"), "controls"), RetiredFile, problems)
            retired |= {item.id: item for item in file.retired} if file else {}
        for folder in sorted(path.parent for path in base.glob("*/control.yaml")):
            module = f"ggi_content.root{index}.controls.{folder.name.replace('-', '_')}"
            control = _control(folder, str(FOLDER / folder.name), module, terms, problems)
            if control is not None:
                found[control.id], folders[control.id] = control, folder
    for name in found.keys() & retired.keys():
        problems.append(
            Problem(
                t("the id {id} is retired and can't be used again", id=name), t("Take a new id."), found[name].origin
            )
        )
    raise_if(problems)
    if not found:
        raise InputError(Problem(t("there is no control"), t("Controls are in {folder}.", folder=FOLDER)))
    return Controls(dict(sorted(found.items())), retired, folders)
