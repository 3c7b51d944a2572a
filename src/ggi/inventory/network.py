"""What may be written in a network's file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ggi.inventory.govroam import Govroam
from ggi.inventory.models import Model
from ggi.inventory.types import Gemeentecode, Line
from ggi.messages import t


class NetworkFile(Model):
    """A network: govroam servers and access points, with a stack and an approver of its own."""

    name: Line
    """What people call it."""
    owner: Annotated[str, Field(pattern=r"^(gm[0-9]{4}|sv-[a-z][a-z0-9-]*)$")]
    """Id of the tenant that owns it: gm0000, or sv-name."""
    serves: Annotated[list[Gemeentecode], Field(min_length=1)]
    """The gemeenten that it serves."""
    govroam: Govroam | None = None
    """Its RADIUS servers and access points; without it, nothing is made."""

    @model_validator(mode="after")
    def _realms_of_those_served(self) -> NetworkFile:
        for realm, code in (self.govroam.realms if self.govroam else {}).items():
            if code not in self.serves:
                raise ValueError(t("realm {realm} is of {code}, which is not in `serves`", realm=realm, code=code))
        return self
