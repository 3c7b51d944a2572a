"""What a `check.py` may import, next to Python's own modules: nothing else of the library keeps its names.

```python
def check(seen: Observation) -> Iterator[Verdict]:
    for subject in seen.of("Deployment"):
        replicas = subject.body["spec"]["replicas"]
        yield verdict(subject.name, replicas > 1, Detail("replicas", replicas))
```

A check over hosts gets a host of testinfra and the inventory's words on govroam; it says what complies, and why:

```python
def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    if "idp" in govroam.roles:
        yield host.service("freeradius").is_running, Detail("service", "freeradius")
```

Each name has an example here or where it is defined. A check over a landscape is pure: no clock, no network, no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ggi.catalogue.component import Component, Probe, Process, Volume
from ggi.controls.allowed_flows import NAME_LABEL, PROCESS_LABEL, explained, matches, opened, peers_of_edges, pods
from ggi.controls.cel_functions import parse_quantity
from ggi.controls.evidence import Detail, Evidence
from ggi.controls.integrity.live import who
from ggi.controls.integrity.meanings import Meaning, load_meanings
from ggi.controls.kinds import known_kinds
from ggi.controls.observation import Domain, Observation, Subject
from ggi.controls.realm import REALM_SUBJECT, out_of_bounds, realm
from ggi.controls.redaction import HIDDEN, LITERAL, WEAK
from ggi.controls.references import (
    containers,
    dangling,
    encrypted,
    hosts,
    names,
    ports_of,
    service_ports,
    urls,
    workloads,
)
from ggi.controls.verdict import Outcome, Verdict
from ggi.errors import Origin
from ggi.inventory.govroam import RENEW_DAYS, Govroam, days_left
from ggi.inventory.types import release_order

__all__ = [
    "HIDDEN",
    "LITERAL",
    "NAME_LABEL",
    "PROCESS_LABEL",
    "REALM_SUBJECT",
    "RENEW_DAYS",
    "WEAK",
    "Component",
    "Detail",
    "Domain",
    "Govroam",
    "Meaning",
    "Observation",
    "Probe",
    "Process",
    "Subject",
    "Verdict",
    "Volume",
    "containers",
    "dangling",
    "days_left",
    "elsewhere",
    "encrypted",
    "explained",
    "hosts",
    "known_kinds",
    "matches",
    "names",
    "of_domains",
    "opened",
    "out_of_bounds",
    "parse_quantity",
    "peers_of_edges",
    "pods",
    "ports_of",
    "realm",
    "release_order",
    "service_ports",
    "unplanned",
    "urls",
    "verdict",
    "workloads",
]


Told = Detail | Iterable[Detail]
"""What was seen: `Detail("replicas", 1)`, or several of them in order."""


def verdict(subject: str, fine: bool | None, evidence: Told = (), origin: Origin | None = None) -> Verdict:
    """PASS or FAIL; None is UNKNOWN. `evidence` is what was seen, without a secret's value.

    Every code has words in the control's own file or in policies/evidence.yaml.
    Example: `verdict("openzaak/Deployment/web", replicas > 1, Detail("replicas", replicas))`.
    """
    outcome = Outcome.UNKNOWN if fine is None else Outcome.PASS if fine else Outcome.FAIL
    return Verdict(subject, outcome, str(Evidence.of(evidence)), origin)


def elsewhere(subject: str) -> Verdict:
    """UNKNOWN, since nothing in this place can show it; another place (`--from live`) can. Told once for all such.

    Example: `yield elsewhere(seen.stack)` when `seen.domains is None`.
    """
    return Verdict(subject, Outcome.UNKNOWN, elsewhere=True)


def of_domains(
    seen: Observation, needed: set[str], judge: Callable[[Domain], tuple[bool, Told] | None]
) -> Iterator[Verdict]:
    """One verdict per domain: whether it is fine, and what was seen; none where `judge` says that it is not meant.

    UNKNOWN where this place asks nobody, or nobody answered about one of `needed`, which are fields of a Domain.
    Example: `of_domains(seen, {"signed"}, lambda domain: (domain.signed is True, Detail("signed", domain.signed)))`.
    """
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        if any(getattr(domain, field) is None for field in needed):
            yield verdict(name, None, Detail("no-answer"))
        elif judged := judge(domain):
            yield verdict(name, *judged)


MOST_PATHS = 6
"""Changed paths that a finding names; the rest is counted."""


def unplanned(seen: Observation, meaning: Meaning) -> Iterator[Verdict]:
    """One verdict per object of the cluster that is not as planned and opens this; one PASS when there is none.

    UNKNOWN where this place is no cluster, or where the login may not read what could open it.
    Example: `return unplanned(seen, Meaning.RIGHT)`.
    """
    found = seen.integrity
    if found is None:
        yield elsewhere(seen.stack)
        return
    count = 0
    for one in found.found:
        if one.meaning is not meaning:
            continue
        kind, name = who(one.body)
        other = seen.environment.declared(kind, name) if one.stranger else None
        count += other is None
        if other is not None:
            yield verdict(one.subject, True, Detail("of-others", f"{other.owner}: {other.reason}"))
            continue
        details = [Detail("lets", line) for line in one.lets]
        if one.missing:
            details.append(Detail("absent"))
        elif one.stranger and not one.lets:
            details.append(Detail("not-planned"))
        details += [Detail("changed", change.text) for change in one.changes[:MOST_PATHS]]
        if len(one.changes) > MOST_PATHS:
            details.append(Detail("more", len(one.changes) - MOST_PATHS))
        if one.by and not one.missing:
            details.append(Detail("by", one.by))
        yield verdict(one.subject, False, details)
    unread = sorted(kind for kind in found.unread if load_meanings().of_unread(kind) is meaning)
    if unread:
        yield verdict(seen.stack, None, [Detail("not-read", kind) for kind in unread])
    elif not count:
        yield verdict(seen.stack, True, Detail("objects", found.looked_at))
