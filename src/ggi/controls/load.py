"""Finding controls by looking: `policies/controls/<id>/` in the checkout and in further content roots."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.catalogue.modules import load_module, package
from ggi.controls import cel
from ggi.controls.control import Control, ControlFile, RetiredControl, RetiredFile
from ggi.controls.evidence import codes_in
from ggi.controls.kinds import expand
from ggi.controls.reads import Reads
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


def _source(tree: Node, lines: Sequence[str], text: str, *path: str) -> cel.ExpressionSource:
    """An expression with the place of its first line: a block begins on the line after its key."""
    node = tree.child(*path)
    origin = node.origin if node is not None else tree.origin
    block = re.search(r":\s*[|>][-+0-9]*\s*(#.*)?$", lines[origin.line - 1]) if origin.line <= len(lines) else None
    return cel.ExpressionSource(text, Origin(origin.file, origin.line + bool(block), origin.layer))


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


def load_check(folder: Path, root: Path, problems: list[Problem]) -> Any:
    """The function `check` of the check.py in a control's folder; None, with a problem, when there is none."""
    path = folder / "check.py"
    shown = str(path.relative_to(root))
    try:
        check = getattr(load_module(path, package(root, *folder.relative_to(root).parts), shown), "check", None)
    except GgiError as error:
        problems.extend(error.problems)
        return None
    if check is None:
        problems.append(Problem(t("this file has no function `check`"), t("Write one."), Origin(shown, 1)))
    return check


def _control(folder: Path, root: Path, terms: Terms, problems: list[Problem]) -> Control | None:
    path = folder / "control.yaml"
    shown_file = str(path.relative_to(root))
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
    checked = (folder / "check.py").is_file()
    if bool(file.cel) == checked:
        message = t("a control has either `cel` or a check.py, one of the two")
        problems.append(Problem(message, t("Remove one, or write one."), tree.origin))
        return None
    kinds = frozenset(expand(file.kinds))
    origin = Origin(shown_file, 1)
    family, vocabulary = terms.family(file.id), terms.vocabulary(file)
    if checked:
        check = load_check(folder, root, problems)
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
    return Control(
        file,
        kinds,
        origin,
        variables,
        rule_text=rule,
        rule=cel.compiled(rule),
        evidence=cel.compiled(evidence),
        reads=Reads(cel.compiled(rule)),
        family=family,
        vocabulary=vocabulary,
    )


def load_controls(roots: Sequence[Path]) -> Controls:
    """All controls of all content roots, by id; a later root wins. Raises InputError with every problem found."""
    problems: list[Problem] = []
    found: dict[str, Control] = {}
    folders: dict[str, Path] = {}
    retired: dict[str, RetiredControl] = {}
    terms = load_terms(roots)
    for root in roots:
        base = root / FOLDER
        if (listed := base / "retired.yaml").is_file():
            file = validate(read(listed, str(FOLDER / "retired.yaml"), "controls"), RetiredFile, problems)
            retired |= {item.id: item for item in file.retired} if file else {}
        for folder in sorted(path.parent for path in base.glob("*/control.yaml")):
            control = _control(folder, root, terms, problems)
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
