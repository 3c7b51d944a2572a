"""One tenant: its file, checked, with what the registry of gemeenten adds."""

from __future__ import annotations

from dataclasses import dataclass

from ggi.errors import Problem, raise_if
from ggi.inventory.layers import LAYERED, Layers, alone, check_environments, split
from ggi.inventory.models import Lifecycle, TenantFile
from ggi.inventory.registry import Registry
from ggi.inventory.tree import Node
from ggi.inventory.types import ENVIRONMENTS
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.messages import t


@dataclass(frozen=True)
class Tenant:
    """One gemeente or samenwerkingsverband. `id` is `gm9901` or `sv-<name>`; `inhabitants` counts persons."""

    id: str
    name: str
    province: str
    inhabitants: int
    file: TenantFile
    tree: Node
    layers: Layers

    @property
    def code(self) -> str | None:
        """The CBS code, or None for a samenwerkingsverband."""
        return self.file.gemeente

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of its environments in the order of OTAP."""
        return tuple(name for name in ENVIRONMENTS if name in self.file.environments)

    @property
    def network(self) -> str:
        """Name of the network that serves it."""
        return self.file.network or self.id

    @property
    def m365(self) -> str:
        """Name of the Microsoft 365 tenant that serves it."""
        return self.file.m365 or self.id


def tenant_of(tree: Node, tenant_id: str, registry: Registry, problems: list[Problem]) -> Tenant:
    """The tenant that a file describes. Raises InputError with everything wrong in it, and with `problems`."""
    check_environments(tree, problems)
    model = validate(alone(tree), TenantFile, problems, partial=LAYERED)
    if model is None:
        raise_if(problems)
        raise AssertionError("a model is missing without a problem")
    _check(tree, model, tenant_id, registry, problems)
    listed = registry.gemeenten.get(model.gemeente or "")
    ended = registry.successions.get(model.gemeente or "")
    name = model.name or (listed.name if listed else ended.name if ended else "")
    inhabitants = model.inhabitants or (listed.inhabitants if listed else 0)
    if not name:
        fix = t("Write `name: ...`; the registry does not have this code.")
        problems.append(Problem(t("the name is missing"), fix, tree.origin))
    if not inhabitants:
        fix = t("Write `inhabitants: ...`; it sizes the landscape.")
        problems.append(Problem(t("the number of inhabitants is missing"), fix, tree.origin))
    raise_if(problems)
    province = model.province or (listed.province if listed else "")
    return Tenant(tenant_id, name, province, inhabitants, model, tree, split(tree))


def _check(tree: Node, model: TenantFile, tenant_id: str, registry: Registry, problems: list[Problem]) -> None:
    """What one key demands of another, and of the registry."""

    def wrong(message: str, fix: str, *place: str) -> None:
        problems.append(Problem(message, fix, origin_of(tree, *place)))

    kind = "gemeente" if model.gemeente else "samenwerkingsverband"
    expected = (model.gemeente or "").lower() or f"sv-{model.samenwerkingsverband}"
    if (model.gemeente is None) == (model.samenwerkingsverband is None):
        wrong(
            t("a tenant has a gemeente or a samenwerkingsverband, one of the two"),
            t("Write `gemeente: GM0000`, or `samenwerkingsverband: name`."),
            kind,
        )
    elif tenant_id != expected:
        wrong(
            t("this file must be named {name}.yaml", name=expected), t("Rename the file, or correct this line."), kind
        )
    if model.gemeente and not registry.knows(model.gemeente):
        wrong(
            t("{code} is not in the registry of gemeenten", code=model.gemeente),
            nearest(model.gemeente, registry.gemeenten),
            "gemeente",
        )
    if model.gemeente and model.serves:
        wrong(t("only a samenwerkingsverband serves others"), t("Remove this line."), "serves")
    if model.state is Lifecycle.MERGED and model.herindeling is None:
        wrong(
            t("a merged gemeente names its successor"),
            t("Write `{example}`.", example="herindeling: {into: GM0000, date: YYYY-MM-DD}"),
            "state",
        )
    if model.state is Lifecycle.OFFBOARDING and model.offboarding is None:
        wrong(
            t("offboarding needs a date"), t("Write `{example}`.", example="offboarding: {date: YYYY-MM-DD}"), "state"
        )
    if model.herindeling is not None and model.herindeling.into == model.gemeente:
        wrong(t("a gemeente can't go on in itself"), t("Name the gemeente that goes on."), "herindeling", "into")
    if not model.environments and model.gemeente and model.state is not Lifecycle.MERGED:
        wrong(
            t("this tenant has no environment"),
            t("Write `{example}`.", example="environments: {accp: {...}, prod: {...}}"),
        )
