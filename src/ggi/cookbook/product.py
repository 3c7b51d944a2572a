"""What the Cookbook can read and write: products, their resources and properties (`cookbook/products/<name>.yaml`).

These are our own typed models of the few resources that recipes use. A test compares those of Microsoft Graph with
Microsoft's own types; those of PowerShell are the allow-list of the runner.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ggi.inventory.models import Model
from ggi.inventory.types import Line
from ggi.messages import t

GRAPH, RUNNER, DNS = "graph", "runner", "dns"

Cmdlet = Annotated[str, Field(pattern=r"^(Get|Set|New|Update|Enable)-[A-Za-z0-9]+$")]


class Property(Model):
    """One property of a resource. Nested properties of Graph are written with dots."""

    type: Literal["boolean", "integer", "text", "enum", "list", "object"]
    values: list[str] = []
    """Members of an enum, or those that a list may have; none: any text."""
    labels: dict[str, str] = {}
    """What people call values that are ids, such as roles; for showing alone."""
    parameter: str = ""
    """The parameter that writes it, when it is not called like the property that is read."""
    create_only: bool = False
    """It is given when the object is made and can't be changed later."""
    read_as: Literal["value", "domains", "groups"] = "value"
    """domains: PowerShell prints `Domain=example.nl` for each. groups: Graph has a query for each group's members."""

    def refuse(self, value: Any) -> str:
        """Why `value` can't be a value of this property; "" when it can."""
        if self.type == "object":
            return t("only `unset` can be asked of {type}", type=self.type)
        fits = {
            "boolean": lambda: isinstance(value, bool),
            "integer": lambda: isinstance(value, int) and not isinstance(value, bool),
            "text": lambda: isinstance(value, str),
            "enum": lambda: isinstance(value, str),
            "list": lambda: isinstance(value, list) and all(isinstance(v, str) for v in value),
        }
        if not fits[self.type]():
            return t("{value!r} is not of type {type}", value=value, type=self.type)
        members = value if self.type == "list" else [value]
        if self.values and (strange := [m for m in members if m not in self.values]):
            return t("{value!r} is not one of {expected}", value=strange[0], expected=", ".join(self.values))
        return ""


class Permissions(Model):
    """What a call needs. All names in a list are needed together."""

    read: list[str] = []
    write: list[str] = []
    read_too: list[str] = []
    """Wider ones that give reading as well: where another resource needs one of them, `read` is left out."""
    delegated_only: bool = False
    """No application may call it; an administrator signs in."""


class Monitored(Model):
    """A resource as Microsoft's UTCM names it (`ggi m365 monitor`). A test holds every name against what UTCM knows."""

    type: Annotated[str, Field(pattern=r"^microsoft\.[a-z.0-9]+$")]
    """In lower case: the published schema checks nothing else."""
    key: str = ""
    """The property that holds the object's name."""
    fixed: dict[str, Any] = {}
    """Properties that name the one object there is."""
    names: dict[str, str] = {}
    """Properties that UTCM calls otherwise, by our path."""

    def name_of(self, path: str) -> str:
        """What UTCM calls a property: the same with a capital, unless `names` says otherwise. "" for a nested one."""
        return self.names.get(path) or ("" if "." in path else path[:1].upper() + path[1:])


class Resource(Model):
    """One kind of object. Graph: `type`, `url` and so on; PowerShell: cmdlets."""

    title: Line
    properties: Annotated[dict[str, Property], Field(min_length=1)]
    permissions: Permissions = Permissions()
    reversible: bool = True
    # Microsoft Graph
    type: str = ""
    """Its name in Microsoft's types, such as authorizationPolicy."""
    url: str = ""
    """Below the version; `{item}` is the object's id. That of a collection ends in its name."""
    version: Literal["v1.0", "beta"] = "v1.0"
    update: Literal["PATCH", "PUT"] = "PATCH"
    collection: str = ""
    """The property by which an object of a collection is known, such as displayName."""
    pairs: str = ""
    """A list of {name, value} that is read as properties of its own (group settings)."""
    packed: str = ""
    """field/root: the object is JSON in the only text of a list (policies from before Graph)."""
    fixed: dict[str, Any] = {}
    """Graph: what a new object gets beside its properties. PowerShell: parameters of every call."""
    service: Literal["identity", "conditionalAccess", "sharepoint", "teams", "reports"] = "identity"
    """Whose budget of requests it counts on."""
    # PowerShell
    get: Cmdlet | None = None
    set: Cmdlet | None = None
    new: Cmdlet | None = None
    key: str = ""
    """The parameter that names the object; none: there is one object."""
    read_key: str = ""
    """The parameter that names it when it is read, when that is another one; "-": read all, then choose."""
    set_key: str = ""
    """The parameter that names it when it is changed, when that is another one."""
    key_property: str = ""
    """The property that holds its name in what is read; default: the key."""
    monitor: Monitored | None = None
    """How Microsoft's UTCM knows it, when it does."""

    @property
    def named_by(self) -> str:
        """The property by which objects are told apart."""
        return self.collection or self.key_property or self.key


class ProductFile(Model):
    """A product: one way of reading and writing, and its resources."""

    product: Annotated[str, Field(pattern=r"^[a-z]+$")]
    title: Line
    channel: Literal["graph", "runner", "dns"]
    connect: str = ""
    """The connection that the runner opens: teams, exchange, purview or sharepoint."""
    roles: dict[Literal["read", "write"], list[Line]] = {}
    """Entra roles that the application or administrator needs, for PowerShell."""
    resources: Annotated[dict[str, Resource], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_its_channel(self) -> ProductFile:
        for name, resource in self.resources.items():
            if self.channel == GRAPH and not (resource.type and resource.url):
                raise ValueError(t("{name}: a resource of Graph has a type and a url", name=name))
            if self.channel == RUNNER and not (resource.get and self.connect):
                raise ValueError(t("{name}: a resource of PowerShell has `get`, and its product `connect`", name=name))
        return self
