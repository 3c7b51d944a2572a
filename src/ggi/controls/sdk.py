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
