"""`ggi` alone: where one is, and the next sensible step."""

from __future__ import annotations

import os
import shlex
import textwrap
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ggi.cli.output import columns, paint, say, say_json
from ggi.inventory.stack import StackKind
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.app.where import LastOperation, Waiting, Where
    from ggi.app.workspace import Workspace

OUTCOMES = {
    "done": mark("done"),
    "failed": mark("failed"),
    "interrupted": mark("interrupted"),
    "refused": mark("refused by the controls"),
    "begun": mark("begun, and never ended"),
}
MOST = 3
"""Names that one line gives of a longer list."""


def show_where(workspace: Workspace, json_output: bool) -> None:
    """Print it, for people or as JSON."""
    from ggi.app.where import where_am_i
    from sandbox.layout import runs, sandboxes
    from sandbox.platform import SandboxPlatform

    chosen = SandboxPlatform.chosen().sandbox
    found = where_am_i(workspace.folder, {name: runs(name) for name in sandboxes()}, chosen)
    if workspace.inventory_folder is not None and "GGI_INVENTORY" not in os.environ:
        option = f" --inventory {shlex.quote(str(workspace.inventory_folder))}"
        found = replace(found, next=[step + option for step in found.next])
    if json_output:
        say_json(asdict(found))
        return
    lines = [(t("inventory"), _inventory(found)), (t("programs"), _programs(found)), (t("sandbox"), _sandboxes(found))]
    if real := found.deployed.get(""):
        lines.append((t("clusters"), t("made: {names}", names=_some(real))))
    lines.append((t("last"), _last(found.last)))
    lines += [(t("waits"), _waiting(item)) for item in found.waiting[:MOST]]
    wide = max(len(label) for label, _ in lines)
    for label, text in lines:
        first = textwrap.fill(
            f"{label:{wide}}  {text}", min(columns(), 80), subsequent_indent=" " * (wide + 2), break_on_hyphens=False
        )
        say(first)
    say()
    say(paint(t("Next:"), "bold"))
    for step in (*found.next, "ggi --help"):
        say(f"  {step}")


def _some(names: object) -> str:
    listed = list(names) if isinstance(names, list | tuple) else []
    return ", ".join(listed[:MOST]) + (f" (+{len(listed) - MOST})" if len(listed) > MOST else "")


def _inventory(found: Where) -> str:
    folder = os.path.relpath(found.folder)
    folder = str(found.folder) if folder.startswith("../..") else folder
    if not found.is_inventory:
        return t("{folder} is not an inventory: it has no national.yaml", folder=folder)
    counts = t(
        "{folder}: {tenants} tenants with {landscapes} landscapes, {clusters} clusters, {networks} networks",
        folder=folder,
        tenants=found.tenants,
        landscapes=found.stacks[StackKind.LANDSCAPE],
        clusters=found.stacks[StackKind.CLUSTER],
        networks=found.stacks[StackKind.NETWORK],
    )
    broken = t("can't be read: {files}", files=_some(found.unreadable)) if found.unreadable else ""
    return f"{counts}; {paint(broken, 'red')}" if broken else counts


def _programs(found: Where) -> str:
    if not found.missing:
        return t("those of the sandbox are here")
    return t("those of the sandbox are made when first needed: {names}", names=", ".join(found.missing))


def _sandboxes(found: Where) -> str:
    if not found.sandboxes:
        return t("none yet")
    told = []
    for name, is_running in found.sandboxes.items():
        state = t("running") if is_running else t("stopped")
        made = found.deployed.get(name)
        told.append(f"{name}: {state}" + (f", {t('made: {names}', names=_some(made))}" if made else ""))
    return "; ".join(told[:MOST])


def _last(last: LastOperation | None) -> str:
    if last is None:
        return t("nothing was done yet")
    return t(
        "{action} {stack}, {date}, by {who}: {outcome}",
        action=last.action,
        stack=f"{last.stack}{last.option}",
        date=last.at[:16].replace("T", " "),
        who=last.who or "-",
        outcome=t(OUTCOMES.get(last.outcome, last.outcome)),
    )


def _waiting(item: Waiting) -> str:
    if item.what == "broken":
        return t("the trail of {stack} is not as it was written", stack=item.stack)
    if item.what == "urgent":
        return t("{stack}: urgent change {number} asks for approval afterwards", stack=item.stack, number=item.number)
    return t("{stack}: {number} asks for the approval of a second person", stack=item.stack, number=item.number)
