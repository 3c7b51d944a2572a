"""What the cluster's admission is told besides waivers: what a baseline knows, and what goes through as urgent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ggi.app.program import desired
from ggi.app.workspace import Workspace
from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.controls.verdict import Finding, Outcome
from ggi.enforcement.exemptions import Exemptions, admitted
from ggi.engine.run_context import RunContext
from ggi.inventory.load import Inventory
from ggi.inventory.waiverfiles import Waivers
from ggi.inventory.waivers import ACCEPTED, WaiverFile
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import NAMESPACE
from ggi.paths import ROOT


class Known:
    """A first measurement that knows everything that deviates."""

    def applied(self, stack: str, findings: Iterable[Finding], controls: object) -> list[Finding]:
        on = dt.date(2026, 11, 1)
        return [replace(f, known_since=on) if f.outcome is Outcome.FAIL else f for f in findings]


def without_waivers() -> tuple[Landscape, Catalogue]:
    """A landscape of which two services have one replica, which nobody accepted (AVL-004)."""
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    tenant, name = inventory.find("gm9901-prod")
    environment = replace(inventory.environment(tenant, name), deviations=WaiverFile())
    return landscape(environment, catalogue), catalogue


CONTEXT = RunContext(ROOT / "inventories", baseline=Path("first-measurement.json"))


def told(monkeypatch: pytest.MonkeyPatch, through: Exemptions) -> str:
    monkeypatch.setattr(Exemptions, "of", classmethod(lambda cls, stack, fingerprint, context: through))
    built, _ = without_waivers()
    assessor = replace(Workspace().assessor(), waivers=Waivers({}, {}))
    return admitted(assessor.of(built), CONTEXT)


def test_what_a_baseline_knows_is_let_through_with_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Any = Known()
    lines = told(monkeypatch, Exemptions("gm9901-prod", known)).splitlines()
    assert r"AVL-004 ^Deployment/fscmanager\-server=replicas=1$" in lines


def test_without_baseline_and_urgency_nothing_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, Exemptions("gm9901-prod")) == ""


def test_it_is_added_to_the_waivers_and_leaves_the_landscape_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ggi.enforcement.exemptions.admitted", lambda assessment, context: "POD-001 ^Pod/x=.*$")
    plain = desired(replace(CONTEXT, baseline=None), "gm9901-prod")
    more = desired(CONTEXT, "gm9901-prod")
    (before,), (after,) = (
        [o.body["metadata"]["annotations"][ACCEPTED] for o in found.objects if o.name == NAMESPACE]
        for found in (plain, more)
    )
    assert after == f"{before}\nPOD-001 ^Pod/x=.*$"
    assert plain.outputs == more.outputs, "the fingerprint is that of the landscape"
