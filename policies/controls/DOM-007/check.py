"""A security.txt that is valid today: Contact, and one Expires in the future (RFC 9116, 2.5.3 and 2.5.5)."""

import datetime as dt
from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"security"}, lambda domain: judged(domain, seen.date))


def judged(domain: Domain, on: dt.date) -> tuple[bool, Detail | list[Detail]]:
    text = domain.security or ""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        field, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            fields.setdefault(field.strip().lower(), []).append(value.strip())
    ends = [_date(text) for text in fields.get("expires", ())]
    end = ends[0] if len(ends) == 1 else None
    addressed = any(text.startswith(("https://", "mailto:", "tel:")) for text in fields.get("contact", ()))
    told = [] if addressed else [Detail("no-contact")]
    told.append(Detail("expires", end) if end else Detail("no-valid-expires"))
    return addressed and end is not None and on <= end, told if text else Detail("none")


def _date(text: str) -> dt.date | None:
    try:
        return dt.datetime.fromisoformat(text.upper()).date()
    except ValueError:
        return None
