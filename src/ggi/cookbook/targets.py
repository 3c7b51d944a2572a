"""What one tenant asks for: every recipe with its stage, its parameters filled in, and the objects it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.cookbook.content import PARAMETER, Cookbook, Recipe
from ggi.cookbook.reading import Ref
from ggi.errors import GgiError, InputError, Origin, Problem, raise_if
from ggi.inventory.load import Inventory
from ggi.inventory.m365 import M365File, Stage
from ggi.inventory.stack import Stack, StackKind, owner_in
from ggi.inventory.tree import Node
from ggi.inventory.validate import nearest, origin_of
from ggi.messages import t


@dataclass(frozen=True)
class M365Tenant:
    """One Microsoft 365 tenant of the inventory; `tree` is None for one that needs no file."""

    id: str
    file: M365File
    tree: Node | None = None

    @property
    def stack(self) -> str:
        """Name of its stack."""
        return str(Stack(StackKind.M365, self.id))

    def origin(self, *path: str) -> Origin:
        """Where the inventory says it."""
        if self.tree is not None:
            return origin_of(self.tree, *path)
        return Origin(f"inventories/tenants/{self.id}.yaml", 1)


@dataclass(frozen=True)
class WantedValue:
    """One property and what it must be, parameters filled in."""

    path: str
    comparison: str
    value: Any
    report_only: Any = None
    otherwise: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """What people call values that are ids."""


@dataclass(frozen=True)
class Asked:
    """One object that a recipe is about."""

    ref: Ref
    wants: tuple[WantedValue, ...]
    any_item: bool = False


@dataclass(frozen=True)
class RecipeTarget:
    """One recipe in one tenant. With `undecided` parameters it can't be judged."""

    recipe: Recipe
    stage: Stage
    asked: tuple[Asked, ...]
    undecided: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The recipe's id."""
        return self.recipe.id


def find_m365(inventory: Inventory, text: str) -> M365Tenant:
    """The Microsoft 365 tenant that a person means: m365-rijnstad, or rijnstad. Raises InputError."""
    word = owner_in(text)
    problems: list[Problem] = []
    owned = {name: item for (kind, name), item in inventory.owned(problems).items() if kind == "m365"}
    raise_if(problems)
    if word in owned:
        item = owned[word]
        assert isinstance(item.file, M365File)  # noqa: S101  (that is what kind m365 holds)
        return M365Tenant(word, item.file, item.tree)
    try:
        tenant = inventory.tenant(word)
    except GgiError:
        if word in inventory.tenant_ids():
            raise
        names = [item.stack for item in owned.values()]
        message = t("there is no Microsoft 365 tenant {name}", name=text)
        raise InputError(Problem(message, nearest(str(Stack(StackKind.M365, word)), names))) from None
    if tenant.code is None or tenant.m365 != tenant.id:
        fix = t("Its Microsoft 365 tenant is {name}.", name=Stack(StackKind.M365, tenant.m365))
        raise InputError(Problem(t("{tenant} has no Microsoft 365 tenant of its own", tenant=tenant.id), fix))
    return M365Tenant(tenant.id, M365File(name=tenant.name, owner=tenant.id, serves=[tenant.code]))


def targets(
    tenant: M365Tenant, book: Cookbook, only: Iterable[str] = (), stage: Stage | None = None
) -> tuple[RecipeTarget, ...]:
    """Every recipe as this tenant wants it. `stage` overrides what the inventory says. Raises InputError."""
    problems = [*_unknown(tenant, book)]
    values: dict[str, Any] = {name: p.default for name, p in book.parameters.items() if p.default is not None}
    for name, value in tenant.file.parameters.items():
        parameter = book.parameters.get(name)
        if parameter is not None and (why := parameter.refuse(value)):
            place = tenant.origin("parameters", name)
            problems.append(Problem(f"parameters.{name}: {why}", t("Correct this value."), place))
        values[name] = value
    raise_if(problems)
    chosen = [book.recipe(name) for name in only] or list(book.recipes.values())
    return tuple(_target(recipe, tenant, book, values, stage) for recipe in chosen)


def _unknown(tenant: M365Tenant, book: Cookbook) -> Iterable[Problem]:
    for key, known in (("recipes", book.recipes), ("parameters", book.parameters)):
        for name in getattr(tenant.file, key):
            if name not in known:
                message = t("unknown key {key}", key=f"{key}.{name}")
                yield Problem(message, nearest(name, known), tenant.origin(key, name))


def _target(
    recipe: Recipe, tenant: M365Tenant, book: Cookbook, values: Mapping[str, Any], stage: Stage | None
) -> RecipeTarget:
    choice = tenant.file.recipes.get(recipe.id)
    undecided = tuple(name for name in book.parameters_of(recipe) if name not in values)
    asked = []
    if not undecided:
        for setting in recipe.file.settings:
            known = book.resource(setting.resource).properties
            wants = tuple(
                WantedValue(
                    w.path, w.comparison, _filled(w.wanted, values), w.report_only, w.otherwise, known[w.path].labels
                )
                for w in setting.want
            )
            asked.append(Asked(Ref(setting.resource, str(_filled(setting.item, values))), wants, setting.any_item))
    return RecipeTarget(recipe, stage or (choice.stage if choice else tenant.file.stage), tuple(asked), undecided)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict) and list(value) == [PARAMETER]:
        return values[value[PARAMETER]]
    if isinstance(value, list):
        return [_filled(v, values) for v in value]
    return value
