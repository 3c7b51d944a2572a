"""The clock, asked in one place."""

from __future__ import annotations

import datetime as dt


def today() -> dt.date:
    """The date in UTC: that of an audit when nobody says one (peildatum)."""
    return dt.datetime.now(tz=dt.UTC).date()
