"""The age of every Secret of the landscape; none is ever changed, so each is as old as its values (see SEC-001)."""

import datetime as dt
from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, elsewhere, verdict

OLDEST = dt.timedelta(days=366)


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per Secret; a plan knows no age."""
    secrets = [subject for subject in seen.of("Secret") if subject.name in seen.planned]
    made = {
        subject.name: str((subject.body.get("metadata") or {}).get("creationTimestamp") or "") for subject in secrets
    }
    if secrets and not any(made.values()):
        yield elsewhere(seen.stack)
        return
    for name, text in made.items():
        date = dt.date.fromisoformat(text[:10]) if text else None
        fine = None if date is None else seen.date - date <= OLDEST
        yield verdict(name, fine, Detail("made-on", text[:10] or "unknown"))
