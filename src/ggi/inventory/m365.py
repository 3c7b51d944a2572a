"""What the file of a Microsoft 365 tenant says beside its owner: how to sign in, and how far the Cookbook may go."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from ggi.inventory.marks import NameKind, Refers
from ggi.inventory.models import Model
from ggi.inventory.types import Gemeentecode, HostName, Line, Matching
from ggi.messages import t

RecipeId = Annotated[str, Matching(r"[A-Z]{2}-[0-9]{2}", lambda: t("the id of a recipe such as TM-01"))]
"""Two letters for the subject and a number; never reused."""

ParameterName = Annotated[str, Matching(r"[a-z][a-zA-Z0-9]*", lambda: t("the name of a parameter such as guestDays"))]


class Stage(StrEnum):
    """How far the Cookbook may go with one recipe in one tenant."""

    OBSERVE = "observe"
    """Read and report."""
    PROPOSE = "propose"
    """Also plan the change, for somebody to decide on."""
    APPLY = "apply"
    """Also write it."""


def _guid(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        message = t("{value!r} is not a GUID such as 00000000-0000-4000-8000-000000000000", value=value[:80])
        raise ValueError(message) from None


Guid = Annotated[
    str,
    AfterValidator(_guid),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}),
]
"""An object id of Entra ID, in lower case (RFC 9562)."""


class Choice(Model):
    """What this tenant chose for one recipe."""

    stage: Annotated[Stage, Field(strict=False)]


class M365File(Model):
    """A Microsoft 365 tenant, with a stack and an administrator of its own."""

    name: Line
    """What people call it."""
    owner: Annotated[str, Field(pattern=r"^(gm[0-9]{4}|sv-[a-z][a-z0-9-]*)$")]
    """Id of the tenant that owns it: gm0000, or sv-name."""
    serves: Annotated[list[Gemeentecode], Field(min_length=1)]
    """The gemeenten that it serves."""
    directory: Guid | None = None
    """Tenant id in Entra ID; needed to sign in."""
    client: Guid | None = None
    """Application (client) id of the app registration that `ggi m365 permissions` describes."""
    domain: HostName | None = None
    """The first domain, name.onmicrosoft.com."""
    delegated: bool = False
    """An administrator also signs in by device code, for the settings that no application may read."""
    stage: Annotated[Stage, Field(strict=False)] = Stage.OBSERVE
    """Stage of every recipe that is not named below."""
    recipes: Annotated[dict[RecipeId, Choice], Refers(NameKind.RECIPE)] = {}
    """Recipes that have another stage."""
    parameters: Annotated[dict[ParameterName, Any], Refers(NameKind.PARAMETER)] = {}
    """What this organisation decided; `ggi m365 explain` tells what a recipe asks for."""
