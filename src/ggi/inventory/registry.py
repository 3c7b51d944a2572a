"""The registry of gemeenten: code, name, province, seat, inhabitants; and what became of codes that ended.

Names are those of the CBS (Gemeenten alfabetisch 2023, the newest list whose 342 gemeenten still are the division; all
were compared with its copy in edugis-repo/cbsbuurtwijkgemeente, gemeenten-alfabetisch-2023.csv, commit daedd24).
Aliases are how people and other registers write them: the BAG has `Hengelo (O.)` where the CBS has `Hengelo`.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import RootModel

from ggi.errors import InputError, Problem, raise_if
from ggi.inventory.marks import Free
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.types import FICTIONAL, Date, Gemeentecode, Line
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Gemeente:
    """A gemeente as the CBS lists it; `inhabitants` is a count of persons. `aliases` are other names it is found by."""

    code: str
    name: str
    province: str
    seat: str
    inhabitants: int
    aliases: tuple[str, ...] = ()
    label: str = ""
    """Part of host names that are made up for it; from its name, unless the registry says another one."""

    @property
    def names(self) -> set[str]:
        """Every name that it is found by, folded: with and without what tells it from a namesake, `(NH.)`."""
        return {folded(part) for name in (self.name, *self.aliases) for part in (name, name.partition(" (")[0])}


class Ended(Model):
    """What became of a code: from `date` on it is part of `into`."""

    name: Line
    """Its name while it was a gemeente."""
    into: Gemeentecode
    """The gemeente that goes on."""
    date: Date
    """First day of the new situation."""


class HerindelingenFile(RootModel[Annotated[dict[Gemeentecode, Ended], Free("codes that ended")]]):
    """Codes that ended or will end, each with the gemeente that goes on."""


@dataclass(frozen=True, slots=True)
class Succession:
    """From `date` on, `code` (called `name`) is part of `into`."""

    code: str
    name: str
    into: str
    date: dt.date


def folded(name: str) -> str:
    """A name for comparison: lower case, without diacritics, apostrophes, full stops and brackets, a hyphen as a space.

    Example: `folded("'s-Hertogenbosch") == folded("s Hertogenbosch")`.
    """
    plain = unicodedata.normalize("NFKD", name)
    letters = (c for c in plain if not unicodedata.combining(c) and c not in "'’‘`.()")
    return " ".join("".join(letters).casefold().replace("-", " ").split())


def slug(name: str) -> str:
    """A DNS label from the name of a gemeente: `'s-Hertogendaal, Broek en Waard` is s-hertogendaal-broek-en-waard."""
    return re.sub(r"[^a-z0-9]+", "-", folded(name)).strip("-")[:50].strip("-") or "gemeente"


@dataclass(frozen=True)
class Registry:
    """All gemeenten by code, and the successions by the code that ends. As a collection: all codes it `knows`."""

    gemeenten: dict[str, Gemeente]
    successions: dict[str, Succession]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        result: dict[str, list[str]] = {}
        for gemeente in self.gemeenten.values():
            for name in gemeente.names:
                result.setdefault(name, []).append(gemeente.code)
        return result

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and self.knows(code)

    def __iter__(self) -> Iterator[str]:
        return iter(self.gemeenten)

    def __len__(self) -> int:
        return len(self.gemeenten)

    def named(self, name: str) -> list[str]:
        """Codes of the gemeenten with this name or alias, upper and lower case and diacritics aside."""
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


def _gemeente(row: Mapping[str, str]) -> Gemeente:
    aliases = tuple(alias for alias in row["aliases"].split(";") if alias)
    name, people = row["name"], int(row["inhabitants"])
    return Gemeente(row["code"], name, row["province"], row["seat"], people, aliases, row["slug"] or slug(name))


def load_registry(folder: Path) -> Registry:
    """Read `gemeenten.csv` and `herindelingen.yaml` from `folder`. Raises InputError."""
    path = folder / "gemeenten.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = [_gemeente(row) for row in csv.DictReader(lines)]
    except (OSError, AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            Problem(
                t("the registry {path} can't be read: {why}", path=path.name, why=error),
                t("Restore it from version control."),
            )
        ) from None
    tree = read(folder / "herindelingen.yaml", f"{folder.parent.name}/registry/herindelingen.yaml", "registry")
    problems: list[Problem] = []
    ended = validate(tree, HerindelingenFile, problems)
    codes = {g.code for g in rows}
    changes = ended.root if ended else {}
    for code, end in changes.items():
        if end.into not in codes and end.into not in changes:
            message = t("{code} is not in the registry of gemeenten", code=end.into)
            problems.append(Problem(message, nearest(end.into, codes), origin_of(tree, code, "into")))
    raise_if(problems)
    successions = {code: Succession(code, e.name, e.into, e.date) for code, e in ended.root.items()} if ended else {}
    return Registry({g.code: g for g in rows}, successions)
