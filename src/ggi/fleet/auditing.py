"""Many stacks judged as they are planned, on all cores: who deviates in what, and what could be judged.

Workers get ids and give back audits without what every audit shares. A brief audit counts what complies, and lists
everything else; a full one lists and proves it all, which reports need.
"""

from __future__ import annotations

import datetime as dt
import gc
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby

from ggi.app.workspace import Workspace
from ggi.audit.assessment import Assessor
from ggi.audit.audit import Audit
from ggi.inventory.load import Inventory
from ggi.inventory.models import Lifecycle
from ggi.inventory.stack import Stack, StackKind

CHUNK = 8
"""Tenants that a worker gets at once: enough to make the way to it cheap, few enough to share the work out evenly."""

_assessor: Assessor | None = None


def _begin(workspace: Workspace, date: dt.date) -> None:
    """What every worker reads once."""
    global _assessor
    _assessor = workspace.assessor(date)


def _of_stacks(stacks: Sequence[Stack], full: bool) -> list[Audit]:
    assert _assessor is not None  # noqa: S101  (the pool has called _begin)
    # Compiled rules can't be sent, and everybody has them.
    return [replace(_audit(_assessor, stack, full), controls={}) for stack in stacks]


def _audit(assessor: Assessor, stack: Stack, full: bool) -> Audit:
    environment = assessor.inventory.environment(assessor.inventory.tenant(stack.owner), stack.environment)
    found = assessor.of_environment(environment).audit(brief=not full)
    # Hundreds of landscapes do not fit in memory side by side.
    return replace(found, landscape=None, subjects=())


def cores() -> int:
    """How many workers make sense here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def every_stack(inventory: Inventory) -> Iterator[Stack]:
    """Every environment of every tenant that is not merged away, in the order of the tenants' ids."""
    for tenant in inventory.tenants():
        if tenant.file.state is not Lifecycle.MERGED:
            yield from (Stack(StackKind.LANDSCAPE, tenant.id, name) for name in tenant.environments)


def _chunks(stacks: Sequence[Stack]) -> list[list[Stack]]:
    """The stacks in parts; those of one tenant stay together, since its file is read once."""
    tenants = [list(group) for _, group in groupby(stacks, key=lambda stack: stack.owner)]
    return [[s for group in tenants[n : n + CHUNK] for s in group] for n in range(0, len(tenants), CHUNK)]


def audit_all(
    workspace: Workspace,
    date: dt.date,
    stacks: Sequence[Stack] | None = None,
    *,
    full: bool = False,
    workers: int | None = None,
) -> Iterator[Audit]:
    """Judge these stacks of a workspace, or all, as they are planned, in their order.

    `full`: with findings and evidence of what complies. Raises InputError when a file is wrong.
    """
    _begin(workspace, date)
    by_id = workspace.controls.by_id
    chunks = _chunks(list(every_stack(workspace.inventory)) if stacks is None else stacks)
    count = min(cores() if workers is None else workers, len(chunks))
    if count <= 1:
        for chunk in chunks:
            yield from (replace(one, controls=by_id) for one in _of_stacks(chunk, full))
        return
    # A forked worker has read the content already; where that is not possible, it reads it itself.
    fork = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if fork else "spawn")
    fresh = Workspace(workspace.inventory_folder, workspace.content)
    # What all have read stays: the collector need not walk through it again and again, which takes a tenth of the time.
    begin = gc.freeze if fork else partial(_begin, fresh, date)
    with ProcessPoolExecutor(count, mp_context=context, initializer=begin) as pool:
        for audits in pool.map(_of_stacks, chunks, [full] * len(chunks)):
            yield from (replace(one, controls=by_id) for one in audits)
