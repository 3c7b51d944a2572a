"""The registry of gemeenten: code, name, province, seat, inhabitants; and what became of codes that ended."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from ggi.errors import InputError, Problem
from ggi.inventory.tree import read
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Gemeente:
    """A gemeente as the CBS lists it; `inhabitants` is a count of persons."""

    code: str
    name: str
    province: str
    seat: str
    inhabitants: int


@dataclass(frozen=True, slots=True)
class Succession:
    """From `date` on, `code` (called `name`) is part of `into`."""

    code: str
    name: str
    into: str
    date: dt.date


@dataclass(frozen=True, slots=True)
class Registry:
    """All gemeenten by code, and the successions by the code that ends."""

    gemeenten: dict[str, Gemeente]
    successions: dict[str, Succession]

    def check(self, code: str, on: dt.date) -> str | None:
        """Why `code` can't be a tenant on this date, or None. Codes GM99xx are fictional and always possible."""
        ended = self.successions.get(code)
        if ended and ended.date <= on:
            return t(
                "{code} ({name}) is part of {into} since {date}",
                code=code,
                name=ended.name,
                into=ended.into,
                date=ended.date,
            )
        if code.startswith("GM99") or code in self.gemeenten:
            return None
        return t("{code} is not in the registry of gemeenten", code=code)


def load_registry(folder: Path) -> Registry:
    """Read `gemeenten.csv` and `herindelingen.yaml` from `folder`. Raises InputError."""
    path = folder / "gemeenten.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = [
                Gemeente(r["code"], r["name"], r["province"], r["seat"], int(r["inhabitants"]))
                for r in csv.DictReader(lines)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            Problem(
                t("the registry {path} can't be read: {why}", path=path.name, why=error),
                t("Restore it from version control."),
            )
        ) from None
    tree = read(folder / "herindelingen.yaml", "registry/herindelingen.yaml", "registry")
    successions = [
        Succession(code, entry["name"], entry["into"], dt.date.fromisoformat(entry["date"]))
        for code, entry in tree.plain().items()
    ]
    return Registry({g.code: g for g in rows}, {s.code: s for s in successions})
