"""Every open mapping and list of the files says what its names are, so that a misspelt one can't go unnoticed."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel

from ggi.catalogue.content import ServiceFile, load_catalogue
from ggi.catalogue.release import ReleaseFile
from ggi.errors import Problem
from ggi.inventory.marks import ELSEWHERE, Free, NameKind, Refers
from ggi.inventory.models import Model
from ggi.inventory.names import Open, check_names, declared, parts
from ggi.inventory.schema import MODELS
from ggi.inventory.tree import parse
from ggi.inventory.waivers import RegionWaiverFile, WaiverFile
from ggi.paths import ROOT

CASES: dict[NameKind, str] = {
    NameKind.COMPONENT: "unknown-component",
    NameKind.PROCESS: "process-that-is-not-there",
    NameKind.CALLER: "rights-of-a-component-that-is-not-there",
    NameKind.SERVICE: "unknown-service",
    NameKind.REDIS_DATABASE: "redis-database-of-nobody",
    NameKind.GEMEENTE: "network-of-a-code-that-never-was",
    NameKind.RECIPE: "recipe-that-is-not-there",
    NameKind.PARAMETER: "parameter-that-is-not-there",
    NameKind.INPUT: "unknown-input",
}
"""Per kind the case of tests/corpus in which a name of that kind refers to nothing."""


def every_model() -> Iterator[tuple[str, type[BaseModel]]]:
    yield from MODELS.items()
    further: dict[str, type[BaseModel]] = {
        "waivers": WaiverFile,
        "proposals": RegionWaiverFile,
        "service": ServiceFile,
        "release": ReleaseFile,
    }
    yield from further.items()
    for name, component in load_catalogue().components.items():
        yield f"component {name}", component.settings


def closed(found: Open) -> bool:
    """Whether the type of its keys or items has a fixed set of values, or none that could be a name."""
    return all(
        typing.get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, int | Enum))
        for kind in parts(found.type)[0]
    )


OPEN = [(path, found) for kind, model in every_model() for path, found in declared(model, kind)]


@pytest.mark.parametrize(("path", "found"), OPEN, ids=[path for path, _ in OPEN])
def test_an_open_mapping_or_list_says_what_its_names_are(path: str, found: Open) -> None:
    assert closed(found) or found.mark, f"{path}: say Refers(NameKind...), or Free(why any name will do)"
    assert not isinstance(found.mark, Free) or found.mark.reason


def test_what_says_nothing_of_its_names_is_found() -> None:
    class Silent(Model):
        these: list[str] = []
        those: Annotated[dict[str, list[str]], Free("names them")] = {}
        closed: list[Literal["a", "b"]] = []

    found = [path for path, one in declared(Silent) if not closed(one) and not one.mark]
    assert [path.rpartition(".")[2] for path in found] == ["these", "those[]"]


def test_every_kind_of_name_is_checked_somewhere() -> None:
    used = {found.mark.kind for _, found in OPEN if isinstance(found.mark, Refers)}
    assert used == {*NameKind}
    assert {*CASES} == {*NameKind} - {NameKind.IMAGE}
    for case in CASES.values():
        assert (ROOT / "tests" / "corpus" / case / "case.yaml").is_file()


def test_every_kind_that_is_not_checked_elsewhere_is_known() -> None:
    known = {kind for kind, _ in load_catalogue().names}
    assert known == {*NameKind} - ELSEWHERE - {NameKind.GEMEENTE}


def test_an_image_that_no_process_runs_is_told() -> None:
    text = "components: {openzaak: {version: '1', images: {main: {}, ngnix: {}}}}"
    problems: list[Problem] = []
    check_names(parse(text, "r.yaml"), ReleaseFile, load_catalogue().names, problems)
    assert [problem.message for problem in problems] == ["openzaak runs no image ngnix"]


def test_items_are_compared_as_their_type_reads_them() -> None:
    text = (
        "components: {}\ncluster: x\nname: x\nclusters: {a: {dns: {cidrs: [10.0.0.1, 10.0.0.1/32], ports: [53, 53]}}}"
    )
    problems: list[Problem] = []
    check_names(parse(text, "r.yaml"), MODELS["region"], {}, problems)
    assert [problem.message.partition(" ")[0] for problem in problems] == ["10.0.0.1/32", "53"]


def test_a_value_of_any_type_is_passed_over() -> None:
    problems: list[Problem] = []
    some: Any = parse("components: {openzaak: {a: [1, 1]}}\nservices: x\n", "t.yaml")
    check_names(some, MODELS["tenant"], {}, problems)
    assert problems == []
