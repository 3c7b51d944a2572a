"""The registry of gemeenten: code, name, province, seat, inhabitants; and what became of codes that ended."""

from __future__ import annotations

import csv
import datetime as dt
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import RootModel

from ggi.errors import InputError, Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.types import FICTIONAL, Date, Gemeentecode, Line
from ggi.inventory.validate import validate
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Gemeente:
    """A gemeente as the CBS lists it; `inhabitants` is a count of persons."""

    code: str
    name: str
    province: str
    seat: str
    inhabitants: int


class Ended(Model):
    """What became of a code: from `date` on it is part of `into`."""

    name: Line
    """Its name while it was a gemeente."""
    into: Gemeentecode
    """The gemeente that goes on."""
    date: Date
    """First day of the new situation."""


class HerindelingenFile(RootModel[dict[Gemeentecode, Ended]]):
    """Codes that ended or will end, each with the gemeente that goes on."""


@dataclass(frozen=True, slots=True)
class Succession:
    """From `date` on, `code` (called `name`) is part of `into`."""

    code: str
    name: str
    into: str
    date: dt.date


def folded(name: str) -> str:
    """A name for comparison: lower case, without diacritics, apostrophes and double spaces."""
    plain = unicodedata.normalize("NFKD", name)
    letters = (c for c in plain if not unicodedata.combining(c) and c not in "'’‘`")
    return " ".join("".join(letters).casefold().split())


@dataclass(frozen=True)
class Registry:
    """All gemeenten by code, and the successions by the code that ends."""

    gemeenten: dict[str, Gemeente]
    successions: dict[str, Succession]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        result: dict[str, list[str]] = {}
        for gemeente in self.gemeenten.values():
            for name in {folded(gemeente.name), folded(gemeente.name.partition(" (")[0])}:
                result.setdefault(name, []).append(gemeente.code)
        return result

    def named(self, name: str) -> list[str]:
        """Codes of the gemeenten with this name, upper and lower case and diacritics aside."""
        return self._by_name.get(folded(name), [])

    def knows(self, code: str) -> bool:
        """Is or was this a gemeente? Codes GM99xx are fictional and always possible."""
        return code.startswith(FICTIONAL) or code in self.gemeenten or code in self.successions

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
        return None if self.knows(code) else t("{code} is not in the registry of gemeenten", code=code)


def load_registry(folder: Path) -> Registry:
    """Read `gemeenten.csv` and `herindelingen.yaml` from `folder`. Raises InputError."""
    path = folder / "gemeenten.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = [
                Gemeente(r["code"], r["name"], r["province"], r["seat"], int(r["inhabitants"]))
                for r in csv.DictReader(lines)
            ]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            Problem(
                t("the registry {path} can't be read: {why}", path=path.name, why=error),
                t("Restore it from version control."),
            )
        ) from None
    tree = read(folder / "herindelingen.yaml", f"{folder.parent.name}/registry/herindelingen.yaml", "registry")
    problems: list[Problem] = []
    ended = validate(tree, HerindelingenFile, problems)
    raise_if(problems)
    successions = {code: Succession(code, e.name, e.into, e.date) for code, e in ended.root.items()} if ended else {}
    return Registry({g.code: g for g in rows}, successions)
