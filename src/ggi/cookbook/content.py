"""Finding recipes, products and parameters by looking: `cookbook/` in the checkout and in further content roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ggi.controls.terms import Terms, load_terms
from ggi.cookbook.product import DNS, GRAPH, RUNNER, ProductFile, Property, Resource
from ggi.cookbook.recipe import ParameterFile, RecipeFile, Setting, Want
from ggi.errors import GgiError, InputError, Origin, Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.schema import Schema, schemas
from ggi.inventory.tree import Node, read
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.messages import t

FOLDER = Path("cookbook")
OVER = "recipes"
"""What the families of recipes look at."""
PARAMETER = "parameter"
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Recipe:
    """A recipe and where it is written."""

    file: RecipeFile
    tree: Node

    @property
    def id(self) -> str:
        """The stable id."""
        return self.file.id

    @property
    def origin(self) -> Origin:
        """Its file."""
        return Origin(self.tree.origin.file, 1)


@dataclass(frozen=True)
class Cookbook:
    """All recipes by id in the order of their subjects, products by name, parameters by name."""

    recipes: Mapping[str, Recipe]
    products: Mapping[str, ProductFile]
    parameters: Mapping[str, ParameterFile]
    terms: Terms

    def product(self, resource: str) -> ProductFile:
        """The product of `product/resource`."""
        return self.products[resource.split("/")[0]]

    def resource(self, name: str) -> Resource:
        """The resource that `product/resource` names."""
        return self.product(name).resources[name.split("/")[1]]

    def channel(self, name: str) -> str:
        """graph, runner or dns."""
        return self.product(name).channel

    def recipe(self, name: str) -> Recipe:
        """The recipe with this id. Raises InputError."""
        found = self.recipes.get(name.upper())
        if found is None:
            raise InputError(Problem(t("there is no recipe {name}", name=name), nearest(name, self.recipes)))
        return found

    def parameters_of(self, recipe: Recipe) -> list[str]:
        """Names of the parameters that a recipe asks for."""
        found: dict[str, None] = {}
        for setting in recipe.file.settings:
            for value in (setting.item, *(w.wanted for w in setting.want)):
                found |= dict.fromkeys(_named(value))
        return list(found)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and list(value) == [PARAMETER]:
        yield str(value[PARAMETER])
    elif isinstance(value, list):
        for one in value:
            yield from _named(one)


def _files(roots: Sequence[Path], folder: str, model: type[M], problems: list[Problem]) -> Iterator[tuple[M, Node]]:
    for root in roots:
        for path in sorted((root / FOLDER / folder).glob("*.yaml")):
            try:
                tree = read(path, str(FOLDER / folder / path.name), folder)
            except GgiError as error:
                problems.extend(error.problems)
                continue
            file = validate(tree, model, problems)
            if file is None:
                continue
            name = getattr(file, "id", "") or getattr(file, "product", "") or getattr(file, "name", "")
            if name != path.stem:
                message = t("this file must be named {name}.yaml", name=name)
                problems.append(Problem(message, t("Rename the file, or correct this line."), tree.origin))
            yield file, tree


def load_cookbook(roots: Sequence[Path]) -> Cookbook:
    """All content of all roots; a later root wins. Raises InputError with every problem found."""
    problems: list[Problem] = []
    products = {p.product: p for p, _ in _files(roots, "products", ProductFile, problems)}
    parameters = {p.name: p for p, _ in _files(roots, "parameters", ParameterFile, problems)}
    recipes = {r.id: Recipe(r, tree) for r, tree in _files(roots, "recipes", RecipeFile, problems)}
    book = Cookbook(dict(sorted(recipes.items())), products, parameters, load_terms(roots))
    for recipe in book.recipes.values():
        problems.extend(_check(recipe, book))
    problems.extend(_owners(book))
    raise_if(problems)
    if not recipes:
        raise InputError(Problem(t("there is no recipe"), t("Recipes are in {folder}.", folder=FOLDER / "recipes")))
    return book


def _check(recipe: Recipe, book: Cookbook) -> Iterator[Problem]:
    """What a recipe names exists, and its values are of the right type."""
    tree = recipe.tree
    yield from book.terms.strange_family(recipe.id, tree, OVER)
    for number, source in enumerate(recipe.file.sources):
        yield from book.terms.strange_framework(source.framework, tree, number)
    for index, name in enumerate(recipe.file.while_enforced):
        if name not in book.recipes:
            place = origin_of(tree, "while_enforced", index)
            yield Problem(t("there is no recipe {name}", name=name), nearest(name, book.recipes), place)
    for number, setting in enumerate(recipe.file.settings):
        product = book.products.get(setting.resource.split("/")[0])
        resource = product.resources.get(setting.resource.split("/")[1]) if product else None
        place = origin_of(tree, "settings", number, "resource")
        if product is None or resource is None:
            known = [f"{p.product}/{r}" for p in book.products.values() for r in p.resources]
            yield Problem(
                t("there is no resource {name}", name=setting.resource), nearest(setting.resource, known), place
            )
            continue
        if product.channel == DNS and recipe.file.by_hand is None:
            yield Problem(t("nothing writes DNS: say what to do in `by_hand`"), t("Add it."), place)
        if product.channel == RUNNER and bool(resource.key) != bool(setting.item):
            wrong = t("{name} needs an `item`", name=setting.resource)
            yield Problem(wrong if resource.key else t("{name} has no items", name=setting.resource), "", place)
        if product.channel == GRAPH and resource.collection and not setting.item:
            yield Problem(t("{name} needs an `item`", name=setting.resource), t("Name the object."), place)
        for parameter in _named(setting.item):
            if parameter not in book.parameters:
                yield Problem(
                    t("there is no parameter {name}", name=parameter), nearest(parameter, book.parameters), place
                )
        for position, want in enumerate(setting.want):
            at = origin_of(tree, "settings", number, "want", position)
            prop = resource.properties.get(want.path)
            if prop is None:
                message = t("{resource} has no property {path}", resource=setting.resource, path=want.path)
                yield Problem(message, nearest(want.path, resource.properties), at)
                continue
            for why in _refused(want, prop, book):
                yield Problem(f"{want.path}: {why}", t("Correct this value."), at)


def _refused(want: Want, prop: Property, book: Cookbook) -> Iterator[str]:
    names = list(_named(want.wanted))
    for name in names:
        if name not in book.parameters:
            yield t("there is no parameter {name}", name=name)
    if want.unset:
        return
    operands = want.one_of if want.one_of is not None else [want.wanted]
    for value in [*operands, want.report_only, want.otherwise]:
        if value is not None and not list(_named(value)) and (why := prop.refuse(value)):
            yield why
    if want.comparison == "contains" and prop.type != "list":
        yield t("only a list can contain")
    if want.comparison == "at_most" and prop.type != "integer":
        yield t("only a number can be at most")


def owned_paths(recipe: Recipe) -> Iterator[tuple[str, str, Setting, int]]:
    """(object, property, setting, its number) of everything that a recipe owns."""
    for number, setting in enumerate(recipe.file.settings):
        item = setting.item if isinstance(setting.item, str) else f"{{{next(_named(setting.item), '')}}}"
        for want in setting.want:
            yield f"{setting.resource}/{item}" if item else setting.resource, want.path, setting, number


def _owners(book: Cookbook) -> Iterator[Problem]:
    """One owner per setting: two recipes on one path is an error, and so is one on a part of another's."""
    owners: dict[tuple[str, str], Recipe] = {}
    for recipe in book.recipes.values():
        for obj, path, setting, number in owned_paths(recipe):
            place = origin_of(recipe.tree, "settings", number)
            for (other_obj, other_path), owner in owners.items():
                if not _same_object(obj, other_obj, setting.resource):
                    continue
                nested = path == other_path or path.startswith(f"{other_path}.") or other_path.startswith(f"{path}.")
                if nested and not (owner is recipe and obj != other_obj):
                    yield Problem(
                        t("{path} of {object} belongs to {owner} already", path=path, object=obj, owner=owner.id),
                        t("One setting has one owner: leave it to one of the two."),
                        place,
                    )
            owners[obj, path] = recipe


def _same_object(one: str, other: str, resource: str) -> bool:
    """Whether two settings can be about one object: equal, or one of them is about all."""
    if one == other:
        return True
    everything = f"{resource}/*"
    return everything in (one, other) and one.startswith(f"{resource}/") and other.startswith(f"{resource}/")


MODELS: Mapping[str, type[BaseModel]] = {"recipe": RecipeFile, "product": ProductFile, "parameter": ParameterFile}
"""The kinds of files below `cookbook/`."""


def cookbook_schemas() -> dict[str, Schema]:
    """All schemas by kind of file; `ggi.inventory.schema.write_schemas` writes them to cookbook/schema/."""
    made = schemas({}, MODELS)
    made["recipe"]["$defs"]["RecipeSource"]["properties"]["framework"]["enum"] = sorted(load_terms([]).frameworks)
    return {kind: made[kind] for kind in MODELS}
