"""What a recipe is: the model of `cookbook/recipes/<id>.yaml`."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ggi.controls.control import Text
from ggi.inventory.m365 import ParameterName, RecipeId
from ggi.inventory.models import Model
from ggi.inventory.types import Date, Line
from ggi.messages import t

COMPARISONS = ("equal", "contains", "one_of", "at_most", "unset")


class RecipeSource(Model):
    """Where a value comes from. Ids are reused and change meaning between versions, so the version is part of it."""

    framework: Line
    """Its name, as in policies/frameworks/ or policies/frameworks.yaml."""
    version: Line
    id: Line
    note: Text | None = None
    """How this recipe differs from what the source asks, if it does."""

    def __str__(self) -> str:
        return f"{self.framework} {self.version}, {self.id}"


class Want(Model):
    """One property and what it must be. Lists are compared without order, texts without case."""

    path: Annotated[str, Field(min_length=1)]
    equal: Any = None
    contains: list[Any] | None = None
    """The list holds at least these; more may be in it."""
    one_of: list[Any] | None = None
    """Each of these is right; the first is written."""
    at_most: Any = None
    """A number that is not more than this, and more than 0."""
    unset: Literal[True] | None = None
    """It has no value: a condition that would narrow a policy."""
    report_only: Any = None
    """Is written instead by `--report-only`."""
    otherwise: Any = None
    """What it must be while the recipes in `while_enforced` are not enforced."""

    @model_validator(mode="after")
    def _compares_in_one_way(self) -> Want:
        given = [name for name in COMPARISONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(t("{path}: write one of {names}", path=self.path, names=", ".join(COMPARISONS)))
        return self

    @property
    def comparison(self) -> str:
        """One of COMPARISONS."""
        return next(n for n in COMPARISONS if getattr(self, n) is not None)

    @property
    def wanted(self) -> Any:
        """The operand of the comparison; may name parameters."""
        return getattr(self, self.comparison)


class Setting(Model):
    """Properties of one object."""

    resource: Annotated[str, Field(pattern=r"^[a-z]+/[A-Za-z0-9]+$")]
    """product/resource, as in cookbook/products."""
    item: Any = ""
    """Which object: its name, a parameter, "*" for all that exist; "" where there is one."""
    want: Annotated[list[Want], Field(min_length=1)]
    any_item: bool = False
    """Another object that holds all of these values will do as well (a policy of the tenant's own)."""


class RecipeFile(Model):
    """A recipe, as its file says it. Values are proposals with their sources, not an official text."""

    id: RecipeId
    title: Text
    """The rule as one sentence: what holds."""
    why: Text
    severity: Literal["critical", "high", "medium", "low"]
    since: Date
    owner: Line
    """Role that decides on the value."""
    settings: Annotated[list[Setting], Field(min_length=1)]
    while_enforced: list[RecipeId] = []
    """Recipes that must be enforced for this one; see `otherwise`."""
    sources: Annotated[list[RecipeSource], Field(min_length=1)]
    iso27002: Annotated[list[Annotated[str, Field(pattern=r"^[5-8]\.[0-9]{1,2}$")]], Field(min_length=1)]
    """Controls of ISO 27002:2022, which BIO2 numbers alike; the mapping is ours."""
    licences: list[Literal["Entra ID P1", "Entra ID P2", "E3", "E5", "Customer Lockbox", "Teams Premium"]] = []
    """Needed beyond the smallest plan; any one of them."""
    impact: Text
    """What a user notices."""
    rollout: Text
    """How to bring it in."""
    by_hand: Text | None = None
    """What to do where no channel writes it."""
    verify: Text | None = None
    """What is not certain until it was tried on a real tenant."""

    @model_validator(mode="after")
    def _has_conditions(self) -> RecipeFile:
        if any(w.otherwise is not None for s in self.settings for w in s.want) and not self.while_enforced:
            raise ValueError(t("`otherwise` needs `while_enforced`"))
        return self


class ParameterFile(Model):
    """A value that each organisation decides (`cookbook/parameters/<name>.yaml`)."""

    name: ParameterName
    title: Text
    decides: Line
    """Role that decides."""
    type: Literal["boolean", "integer", "text", "guid", "domains", "guids", "enum"]
    least: int | None = None
    most: int | None = None
    """Bounds of an integer, or of the length of a list."""
    values: list[str] = []
    default: Any = None
    """The proposal; without one, the recipe is not judged until the value is decided."""

    @model_validator(mode="after")
    def _default_fits(self) -> ParameterFile:
        if self.default is not None and (why := self.refuse(self.default)):
            raise ValueError(why)
        return self

    def refuse(self, value: Any) -> str:
        """Why `value` can't be the value; "" when it can."""
        if self.type == "boolean":
            return "" if isinstance(value, bool) else t("{value!r} is not of type {type}", value=value, type="boolean")
        if self.type == "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                return t("{value!r} is not of type {type}", value=value, type="integer")
            return self._bounds(value, value)
        if self.type in ("domains", "guids"):
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                return t("{value!r} is not of type {type}", value=value, type=self.type)
            single = "guid" if self.type == "guids" else "domain"
            wrong = next((why for v in value if (why := _refuse_text(single, v))), "")
            return wrong or self._bounds(len(value), value)
        if not isinstance(value, str):
            return t("{value!r} is not of type {type}", value=value, type=self.type)
        if self.type == "enum":
            known = ", ".join(self.values)
            return "" if value in self.values else t("{value!r} is not one of {expected}", value=value, expected=known)
        return _refuse_text(self.type, value)

    def _bounds(self, size: int, value: Any) -> str:
        if self.least is not None and size < self.least:
            return t("{value!r} is less than {limit}", value=value, limit=self.least)
        if self.most is not None and size > self.most:
            return t("{value!r} is more than {limit}", value=value, limit=self.most)
        return ""


def _refuse_text(kind: str, value: str) -> str:
    if kind == "guid":
        try:
            uuid.UUID(value)
        except ValueError:
            return t("{value!r} is not of type {type}", value=value, type="guid")
    if kind == "domain" and not re.fullmatch(
        r"(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z][-a-z0-9]*[a-z0-9]", value
    ):
        return t("{value!r} is not of type {type}", value=value, type="domain")
    return "" if value.strip() else t("{value!r} is not of type {type}", value=value, type=kind)
