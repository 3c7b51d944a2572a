"""A security.txt that is valid today: Contact, and one Expires in the future (RFC 9116, 2.5.3 and 2.5.5)."""

import datetime as dt
from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where its web server did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        if domain.security is None:
            yield verdict(name, None, "no answer")
            continue
        fields: dict[str, list[str]] = {}
        for line in domain.security.splitlines():
            field, colon, value = line.partition(":")
            if colon and not line.startswith("#"):
                fields.setdefault(field.strip().lower(), []).append(value.strip())
        ends = [_date(text) for text in fields.get("expires", ())]
        end = ends[0] if len(ends) == 1 else None
        addressed = any(text.startswith(("https://", "mailto:", "tel:")) for text in fields.get("contact", ()))
        told = [] if addressed else ["no Contact"]
        told.append(f"expires {end}" if end else "no valid Expires")
        fine = addressed and end is not None and seen.date <= end
        yield verdict(name, fine, ", ".join(told) if domain.security else "none")


def _date(text: str) -> dt.date | None:
    try:
        return dt.datetime.fromisoformat(text.upper()).date()
    except ValueError:
        return None
