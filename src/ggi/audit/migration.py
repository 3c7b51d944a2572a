"""Rewriting waivers and plans that accept an English sentence, as older versions wrote them, to canonical evidence.

Only scalars change: `value` of waivers, plans and proposals, and `reads` of an adoption whose proposal was rewritten
and had been adopted as it read. Comments and everything else stay, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ggi.audit.sentences import code_of
from ggi.controls.control import Control
from ggi.errors import Origin, Problem
from ggi.inventory.waiverfiles import FOLDER, read_waivers
from ggi.messages import t

VALUED = ("waivers", "plans", "proposals")
"""The lists of a file whose items accept a value."""


@dataclass(frozen=True)
class Rewriting:
    """One scalar of a file: where it stands, and its text before and after."""

    origin: Origin
    before: str
    after: str


@dataclass
class Migration:
    """What is rewritten, the new text of each file that changes, and what can't be told."""

    rewritings: list[Rewriting] = field(default_factory=list)
    texts: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def write(self) -> None:
        """Write the files."""
        for path, text in self.texts.items():
            path.write_text(text, encoding="utf-8")


def plan_migration(roots: Sequence[Path], controls: Mapping[str, Control]) -> Migration:
    """What would be rewritten in all files below policies/waivers/ of these content roots. Writes nothing.

    `controls` are those over objects and hosts. What a recipe accepts is data already.
    """
    found = Migration()
    reads = dict(_reads(roots, controls))
    for root in dict.fromkeys(roots):
        for path in sorted((root / FOLDER).rglob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            shown = str(path.relative_to(root))
            try:
                changes = list(_changes(yaml.compose(text, yaml.SafeLoader), shown, controls, reads, found.problems))
            except yaml.YAMLError as error:
                mark = getattr(error, "problem_mark", None)
                place = Origin(shown, mark.line + 1 if mark else 1)
                found.problems.append(Problem(t("this is no YAML"), t("Correct the file."), place))
                continue
            for node, after in sorted(changes, key=lambda change: change[0].start_mark.index, reverse=True):
                start, end = node.start_mark.index, node.end_mark.index
                # A block ends where the next line begins.
                line = "\n" if text[start:end].endswith("\n") else ""
                text = f"{text[:start]}{_scalar(after)}{line}{text[end:]}"
                found.texts[path] = text
            found.rewritings += [
                Rewriting(Origin(shown, node.start_mark.line + 1), node.value, after) for node, after in changes
            ]
    return found


def _reads(roots: Sequence[Path], controls: Mapping[str, Control]) -> Iterator[tuple[tuple[str, str], str]]:
    """By proposal and how it reads: how it reads when its value is rewritten."""
    for region in read_waivers(roots).regions.values():
        for proposal in region.proposals.values():
            control = controls.get(proposal.control)
            after = code_of(control, proposal.value) if control else None
            if after is not None and after != proposal.value:
                changed = proposal.model_copy(update={"value": after})
                yield (f"{region.region}/{proposal.id}", proposal.reads), changed.reads


def _changes(
    tree: yaml.Node | None,
    shown: str,
    controls: Mapping[str, Control],
    reads: Mapping[tuple[str, str], str],
    problems: list[Problem],
) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """The scalars of one file that are rewritten, with their new text."""
    lists = _entries(tree)
    for key in VALUED:
        for item in _items(lists.get(key)):
            name, value = _text(item.get("control")), item.get("value")
            control = controls.get(name)
            if not isinstance(value, yaml.ScalarNode) or control is None:
                continue
            after = code_of(control, value.value)
            if after is None:
                message = t("what {control} accepts here can't be told: {value}", control=name, value=value.value)
                fix = t("Write the `evidence` that `ggi audit STACK --json` shows.")
                problems.append(Problem(message, fix, Origin(shown, value.start_mark.line + 1)))
            elif after != value.value:
                yield value, after
    for item in _items(lists.get("adopted")):
        read = item.get("reads")
        if isinstance(read, yaml.ScalarNode) and (after := reads.get((_text(item.get("proposal")), read.value))):
            yield read, after


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {_text(key): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _items(node: yaml.Node | None) -> list[dict[str, yaml.Node]]:
    return [_entries(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else []


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _scalar(text: str) -> str:
    """`text` as YAML on one line, as plainly as a block or a flow mapping allows."""
    plain = yaml.safe_dump([text], default_flow_style=True, width=10**6, allow_unicode=True).strip()
    return plain[1:-1]
