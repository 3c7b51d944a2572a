"""What older versions wrote as English sentences: waivers are rewritten by a command, baselines and trails are read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from ggi.audit.baseline import Baseline, compare_baseline, freeze, load_baseline, with_baseline
from ggi.audit.migration import plan_migration
from ggi.audit.sentences import code_of
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.enforcement.exemptions import Exemptions
from ggi.inventory.waiverfiles import read_waivers
from tests.audits import planted
from tests.content import controls

TENANT = """# Why this file is as it is.
waivers:
  - control: AVL-004   # one manager
    resource: fscmanager/Deployment/server
    value: 'replicas 1'  # accepted
    reason: Er kan maar één manager zijn.
    owner: proceseigenaar
    approver: CISO
    granted: 2026-10-05
    expires: 2027-09-30
    compensating: Zij start binnen een minuut.
  - {control: TLS-005, resource: "*", value: "a; b", reason: Er is geen andere weg., owner: beheer, approver: CISO,
     granted: 2026-10-05, expires: 2027-09-30, compensating: Er is toezicht op.}
plans:
  - control: TLS-001
    resource: platform/ClientTrafficPolicy/tls
    value: >-
      minimum 1.1 (insufficient),
      maximum 1.3 (good)
    reason: Een oude koppeling kan niet anders.
    owner: beheer
    granted: 2026-10-05
    plan: De koppeling wordt vervangen.
    due: 2027-01-01
adopted:
  - proposal: oost/one
    reads: {reads}
    owner: proceseigenaar
    approver: CISO
    granted: 2026-10-05
    expires: 2027-09-30
"""
REGION = """proposals:
  - id: one
    control: POD-001
    resource: openzaak/*
    value: web, group 0
    reason: De leverancier levert het zo.
    owner: beheerder
    approver: CISO regio
    granted: 2026-09-30
    expires: 2027-09-30
    compensating: Het netwerk is dicht.
"""


def written(root: Path) -> Path:
    """A content root with waivers of the old form."""
    regions = root / "policies" / "waivers" / "regions"
    regions.mkdir(parents=True)
    (regions / "oost.yaml").write_text(REGION, encoding="utf-8")
    reads = read_waivers([root]).regions["oost"].proposals["one"].reads
    path = regions.parent / "gm9902.yaml"
    path.write_text(TENANT.replace("{reads}", reads), encoding="utf-8")
    return path


def test_only_the_values_and_what_was_read_are_rewritten_in_place(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_text(encoding="utf-8")
    found = plan_migration([tmp_path], controls().by_id)
    assert path.read_text(encoding="utf-8") == before, "it only tells"
    assert [(str(r.origin), r.after) for r in found.rewritings[:2]] == [
        ("policies/waivers/gm9902.yaml:5", "replicas=1"),
        ("policies/waivers/gm9902.yaml:17", "minimum=1.1 insufficient; maximum=1.3 good"),
    ]
    assert [(str(p.origin), p.message) for p in found.problems] == [
        ("policies/waivers/gm9902.yaml:12", "what TLS-005 accepts here can't be told: a; b")
    ]
    found.write()
    after = path.read_text(encoding="utf-8")
    assert "value: replicas=1  # accepted\n" in after
    assert "    value: minimum=1.1 insufficient; maximum=1.3 good\n    reason:" in after
    kept = [line for line in before.splitlines() if not any(w in line for w in ("value:", "reads:", "imum 1"))]
    assert [line for line in after.splitlines() if not any(w in line for w in ("value:", "reads:"))] == kept
    files = read_waivers([tmp_path])
    assert files.problems == []
    assert [w.value for w in files.tenants["gm9902"].file.waivers] == ["replicas=1", "a; b", "container=web; group-0"]
    again = plan_migration([tmp_path], controls().by_id)
    assert again.rewritings == [], "what is canonical stays"


def test_every_kind_of_control_reads_its_own_sentences() -> None:
    for control, sentence, evidence in (
        ("DAT-006", "openzaak_r1: member of a, rule x y z", "member=openzaak_r1 a; rule=x y z"),
        ("DOM-003", "SPF v=spf1 -all; DMARC v=DMARC1; p=none", "spf=v=spf1 -all; dmarc=v=DMARC1%3B p=none"),
        ("AVL-003", "maxUnavailable 100%, selector with 2 labels", "budget=maxUnavailable 100%25; selector-labels=2"),
        ("POD-001", "container=web", "container=web"),
    ):
        assert code_of(controls().by_id[control], sentence) == evidence
    assert code_of(controls().by_id["AVL-004"], "something else") is None


def failing(evidence: str) -> Finding:
    return Finding("POD-001", "openzaak/Deployment/web", Outcome.FAIL, Enforcement.MANDATORY, evidence)


def test_a_baseline_that_an_older_version_froze_is_known(tmp_path: Path) -> None:
    old = replace(planted(), findings=(failing("web, group 0"),), date=dt.date(2026, 1, 5))
    path = tmp_path / "baseline.json"
    path.write_text(freeze([old]), encoding="utf-8")
    baseline: Baseline = load_baseline(path)
    now = replace(old, findings=(failing("container=web; group-0"),), controls=controls().by_id)
    known = with_baseline(now, baseline)
    assert [f.known_since for f in known.findings] == [dt.date(2026, 1, 5)]
    assert not compare_baseline(known, baseline).changed
    worse = with_baseline(replace(now, findings=(failing("container=web; container=init; group-0"),)), baseline)
    assert worse.findings[0].known_since is None, "a later worsening is new"


def test_what_was_urgent_in_a_trail_of_an_older_version_goes_through() -> None:
    urgent = frozenset({("POD-001", "openzaak/Deployment/web", "web, group 0")})
    through = Exemptions("gm9901-prod", None, urgent, "1234")
    same, other = through.applied([failing("container=web; group-0"), failing("container=init")], controls().by_id)
    assert not same.blocks
    assert other.blocks
