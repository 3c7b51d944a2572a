"""Examples of a control: changes of the reference landscape, so that no shape is invented.

`good*.yaml` still complies, `bad-*.yaml` fails in one way. A change names a path in an object, in the tenant's file, in
the release or in a component's description; a step into a text that is JSON goes on inside it.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ggi.catalogue.component import Component
from ggi.catalogue.content import Catalogue
from ggi.catalogue.release import Release, ReleaseFile
from ggi.controls.integrity.live import LiveNamespace
from ggi.controls.observation import Domain, Facts, Observation, Subject
from ggi.controls.subjects import of_landscape
from ggi.errors import InputError, Origin, Problem, raise_if
from ggi.inventory.load import Inventory
from ggi.inventory.models import Cluster, Model
from ggi.inventory.tree import Node, read
from ggi.inventory.types import Date, Line
from ggi.inventory.validate import validate
from ggi.inventory.waivers import WaiverFile
from ggi.landscape.build import landscape
from ggi.messages import t

STACK = "gm9901-prod"
"""The stack that examples change when they name none."""
DATE = dt.date(2026, 11, 22)
"""The date of an example that names none; it lies after the example tenants' own dates."""

Path_ = str | list[str | int]


class Mutation(Model):
    """One change: set `value`, `append` it to the list at the path, or `remove` what is there."""

    path: Path_
    """Steps joined by dots, or a list when a key has dots in it."""
    value: Any = None
    append: Any = None
    remove: bool = False

    @property
    def steps(self) -> list[str | int]:
        """The path as steps; digits are positions in a list."""
        steps = self.path.split(".") if isinstance(self.path, str) else self.path
        return [int(s) if isinstance(s, str) and s.isdigit() else s for s in steps]


class ObjectMutation(Model):
    """A change of one object, by its logical name. `copy_as` leaves it and changes a copy with another role."""

    object: str
    change: list[Mutation] = []
    copy_as: str = ""
    remove: bool = False


class Example(Model):
    """One example."""

    why: Annotated[str, Field(min_length=10)]
    """What it shows, in a sentence."""
    stack: Line = STACK
    date: Date = DATE
    objects: list[ObjectMutation] = []
    tenant: list[Mutation] = []
    """Changes of the tenant's file."""
    release: list[Mutation] = []
    """Changes of the release that the stack has."""
    component: dict[str, list[Mutation]] = {}
    """Changes of components' descriptions, by name."""
    cluster: list[Mutation] = []
    """Changes of what the region says of the cluster."""
    domains: dict[str, Any] | None = None
    """Changes of what the DNS says of the environment's domain, by field; everything else is as it should be."""
    live: list[dict[str, Any]] | None = None
    """What else the cluster holds, beside the landscape as `objects` changes it."""
    waivers: WaiverFile = WaiverFile()
    about: str = ""
    """Logical name that the verdict is about; default the first changed object."""
    outcome: Literal["FAIL", "UNKNOWN"] = "FAIL"
    """What a bad example gives: it fails, or it can no longer be judged, which is no pass either."""

    @model_validator(mode="after")
    def _changes_something(self) -> Example:
        if not (
            self.objects
            or self.tenant
            or self.release
            or self.component
            or self.cluster
            or self.waivers.waivers
            or self.domains is not None
            or self.live is not None
            or self.date != DATE
        ):
            raise ValueError(t("an example changes something"))
        return self


@dataclass(frozen=True)
class ExampleFile:
    """An example as read. `good`: it must still comply."""

    control: str
    path: Path
    example: Example
    good: bool


def load_examples(folder: Path) -> list[ExampleFile]:
    """The examples in a control's folder. Raises InputError."""
    problems: list[Problem] = []
    found = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name == "control.yaml":
            continue
        shown = f"policies/controls/{folder.name}/{path.name}"
        if not path.name.startswith(("good", "bad-")):
            message = t("an example is named good*.yaml or bad-*.yaml")
            problems.append(Problem(message, t("Rename the file."), Origin(shown, 1)))
            continue
        example = validate(read(path, shown, "example"), Example, problems)
        if example is not None:
            found.append(ExampleFile(folder.name, path, example, path.name.startswith("good")))
    raise_if(problems)
    return found


def changed(value: Any, steps: Sequence[str | int], change: Mutation) -> Any:
    """`value` with one change; what is not on the way is shared. Raises LookupError when the way does not exist."""
    if not steps:
        return [*value, change.append] if change.append is not None else change.value
    step, rest = steps[0], steps[1:]
    if isinstance(value, str):
        return json.dumps(changed(json.loads(value), steps, change))
    result = copy.copy(value)
    if isinstance(result, list):
        if not isinstance(step, int):
            raise LookupError(f"{step} is no position in a list")
        if not rest and change.remove:
            del result[step]
        else:
            result[step] = changed(result[step], rest, change)
        return result
    key = str(step)
    if not rest and change.remove:
        del result[key]
    elif not rest:
        result[key] = changed(result.get(key), rest, change)
    else:
        result[key] = changed(result[key], rest, change)
    return result


def _applied(value: Any, changes: Sequence[Mutation], where: str) -> Any:
    for change in changes:
        try:
            value = changed(value, change.steps, change)
        except (LookupError, TypeError, ValueError) as error:
            path = change.path if isinstance(change.path, str) else ".".join(map(str, change.path))
            raise InputError(
                Problem(t("{path} is not there in {where} ({why})", path=path, where=where, why=repr(error)))
            ) from None
    return value


def _node(value: Any, origin: Origin) -> Node:
    if isinstance(value, Mapping):
        return Node({k: _node(v, origin) for k, v in value.items()}, origin)
    if isinstance(value, list):
        return Node([_node(v, origin) for v in value], origin)
    return Node(value, origin, str(value), plain_style=False)


def _described(value: Any, steps: Sequence[str | int], new: Any) -> Any:
    """A component's description with one value changed: its fields by name, items of a tuple by position."""
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(value, tuple):
        return tuple(_described(item, rest, new) if number == step else item for number, item in enumerate(value))
    if step == "support_end":
        new = dt.date.fromisoformat(new)
    return dataclasses.replace(value, **{str(step): _described(getattr(value, str(step)), rest, new)})


def _catalogue(catalogue: Catalogue, example: Example, release: str) -> Catalogue:
    components: dict[str, Component] = dict(catalogue.components)
    for name, changes in example.component.items():
        for change in changes:
            components[name] = _described(components[name], change.steps, change.value)
    releases = dict(catalogue.releases)
    if example.release:
        old = releases[release]
        problems: list[Problem] = []
        tree = _node(_applied(old.tree.plain(), example.release, f"release {release}"), old.tree.origin)
        model = validate(tree, ReleaseFile, problems)
        raise_if(problems)
        assert model is not None  # noqa: S101  (raise_if has raised otherwise)
        releases[release] = Release(model, tree)
    return dataclasses.replace(catalogue, components=components, releases=releases)


def _subjects(subjects: Sequence[Subject], changes: Sequence[ObjectMutation]) -> list[Subject]:
    by_name = {s.name: s for s in subjects}
    for change in changes:
        if change.object not in by_name:
            raise InputError(Problem(t("the reference landscape has no {name}", name=change.object)))
        if change.remove:
            del by_name[change.object]
            continue
        old = by_name[change.object]
        body = _applied(old.body, change.change, change.object)
        name = change.object
        if change.copy_as:
            name = f"{name.rpartition('/')[0]}/{change.copy_as}"
            body = {**body, "metadata": {**body["metadata"], "name": change.copy_as}}
        texts = {key: str(value) for key, value in (body.get("data") or {}).items()} if old.texts else {}
        by_name[name] = Subject(name, body, texts={**old.texts, **{k: v for k, v in texts.items() if " " in v}})
    return list(by_name.values())


def seen(example: Example, inventory: Inventory, catalogue: Catalogue) -> Observation:
    """The reference landscape with the example's changes. Raises InputError when a change has no place."""
    tenant, name = inventory.find(example.stack)
    if example.tenant:
        tree = _node(_applied(tenant.tree.plain(), example.tenant, f"{tenant.id}.yaml"), tenant.tree.origin)
        tenant = inventory.tenant_from(tree, tenant.id)
    environment = inventory.environment(tenant, name)
    if example.cluster:
        said = _applied(environment.cluster.model_dump(mode="json"), example.cluster, environment.cluster_name)
        environment = dataclasses.replace(environment, cluster=Cluster.model_validate(said))
    changed_catalogue = _catalogue(catalogue, example, environment.release)
    built = landscape(environment, changed_catalogue)
    facts = Facts(built, changed_catalogue, inventory.registry)
    found = _subjects(of_landscape(built), example.objects)
    domains = _domains(example, environment.domain)
    live = None if example.live is None else LiveNamespace([*(subject.body for subject in found), *example.live])
    return Observation(found, example.date, facts, example.waivers, domains=domains, live=live)


def _domains(example: Example, name: str) -> dict[str, Domain] | None:
    """What the DNS says of the example's domain; None when the example is not about that."""
    if example.domains is None:
        return None
    good = Domain(
        name=name,
        signed=True,
        addresses6=("2001:db8::1",),
        caa=('0 issue "ca.example"',),
        spf="v=spf1 mx -all",
        dmarc="v=DMARC1; p=reject",
        mx=(f"mail.{name}",),
        dane=(f"mail.{name}",),
        dkim=True,
        security=f"Contact: mailto:security@{name}\nExpires: 2027-06-30T22:00:00Z\n",
    )
    changes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in example.domains.items()
    }
    return {name: dataclasses.replace(good, **changes)}


def about(example: Example) -> str:
    """Logical name that the verdict is about; "" when any will do."""
    if example.about or not example.objects:
        return example.about
    first = example.objects[0]
    return f"{first.object.rpartition('/')[0]}/{first.copy_as}" if first.copy_as else first.object
