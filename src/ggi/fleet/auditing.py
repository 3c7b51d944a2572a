"""All stacks of an inventory judged as they are planned, on all cores: who deviates in what, and what could be judged.

Workers get ids and give back what people look at: how often each control had each outcome, and every finding that is
not simply fine. The evidence of what is fine is left out; an audit of one stack has it.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ggi.audit.content import Controls, load_controls
from ggi.audit.deviations import Deviations, load_waivers
from ggi.audit.facts import Facts, Seen
from ggi.audit.judge import Judge
from ggi.audit.subjects import of_landscape
from ggi.audit.verdict import Finding, Outcome
from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.inventory.load import Inventory
from ggi.inventory.models import State
from ggi.inventory.waiverfiles import Waivers
from ggi.inventory.waivers import WaiverFile
from ggi.landscape.build import landscape

CHUNK = 8
"""Tenants that a worker gets at once: enough to make the way to it cheap, few enough to share the work out evenly."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The audit of one stack in short. `counts`: findings per outcome, by control; `findings`: all but PASS."""

    stack: str
    tenant: str
    environment: str
    release: str
    counts: Mapping[str, Mapping[Outcome, int]]
    findings: tuple[Finding, ...]

    @property
    def total(self) -> dict[Outcome, int]:
        """Findings per outcome, every outcome named."""
        return {o: sum(counts.get(o, 0) for counts in self.counts.values()) for o in Outcome}

    def outcome(self, control: str) -> Outcome:
        """The worst outcome of a control here; a control that is not in force counts as not applicable."""
        counts = self.counts.get(control, {})
        order = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.PASS)
        return next((outcome for outcome in order if counts.get(outcome)), Outcome.NOT_APPLICABLE)


@dataclass(frozen=True)
class _Content:
    """What every worker reads once."""

    catalogue: Catalogue
    inventory: Inventory
    controls: Controls
    waivers: Waivers
    date: dt.date


_content: _Content | None = None


def _begin(root: Path, roots: Sequence[Path], date: dt.date) -> None:
    global _content
    catalogue = load_catalogue(tuple(roots))
    controls = load_controls(roots)
    waivers = load_waivers(roots, controls.by_id, controls.retired)
    _content = _Content(catalogue, Inventory(root, catalogue.known), controls, waivers, date)


def _of_tenants(tenants: Sequence[str]) -> list[Summary]:
    assert _content is not None  # noqa: S101  (the pool has called _begin)
    found = []
    for tenant_id in tenants:
        tenant = _content.inventory.tenant(tenant_id)
        if tenant.file.state is not State.MERGED:
            found += [_summary(_content, tenant_id, name) for name in tenant.environments]
    return found


def _summary(content: _Content, tenant_id: str, name: str) -> Summary:
    environment = content.inventory.environment(content.inventory.tenant(tenant_id), name)
    built = landscape(environment, content.catalogue)
    own = content.waivers.get(tenant_id)
    file = own.file if own else WaiverFile()
    seen = Seen(of_landscape(built), content.date, Facts(built, content.catalogue, content.inventory.registry), file)
    counts: dict[str, dict[Outcome, int]] = {}
    kept = []
    for finding in Judge(content.controls, seen, Deviations(file, name, content.date)).findings():
        of_control = counts.setdefault(finding.control, {})
        of_control[finding.outcome] = of_control.get(finding.outcome, 0) + 1
        if finding.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE):
            kept.append(finding)
    return Summary(built.stack, environment.tenant.name, name, environment.release, counts, tuple(kept))


def cores() -> int:
    """How many workers make sense here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def audit_all(root: Path, roots: Sequence[Path], date: dt.date, workers: int | None = None) -> Iterator[Summary]:
    """Judge every stack of the inventory at `root` with the content of `roots`, in the order of the tenants' ids.

    Raises InputError when a file is wrong.
    """
    _begin(root, roots, date)
    assert _content is not None  # noqa: S101  (just read)
    ids = _content.inventory.tenant_ids()
    chunks = [ids[n : n + CHUNK] for n in range(0, len(ids), CHUNK)]
    count = min(cores() if workers is None else workers, len(chunks))
    if count <= 1:
        for chunk in chunks:
            yield from _of_tenants(chunk)
        return
    # A forked worker has read the content already; where that is not possible, it reads it itself.
    fork = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if fork else "spawn")
    begin = None if fork else partial(_begin, root, tuple(roots), date)
    with ProcessPoolExecutor(count, mp_context=context, initializer=begin) as pool:
        for summaries in pool.map(_of_tenants, chunks):
            yield from summaries
