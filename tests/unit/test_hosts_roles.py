"""Roles say what they take, in one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ggi.hosts.readme import ROLES, readme, roles, specification


@pytest.fixture(params=roles(), ids=lambda path: path.name)
def role(request: pytest.FixtureRequest) -> Path:
    """Each role."""
    path: Path = request.param
    return path


def test_every_role_is_specified() -> None:
    folders = sorted(path.parent for path in ROLES.glob("*/tasks"))
    assert folders == roles()


def test_the_readme_is_made_from_the_specification(role: Path) -> None:
    assert (role / "README.md").read_text(encoding="utf-8") == readme(role), "run python -m ggi.hosts.readme"


def test_defaults_are_those_of_the_specification(role: Path) -> None:
    options = specification(role)["options"]
    wanted = {name: option["default"] for name, option in options.items() if "default" in option}
    assert yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8")) == wanted


def test_every_variable_that_is_used_is_specified_and_every_one_specified_is_used(role: Path) -> None:
    text = "".join(
        path.read_text(encoding="utf-8")
        for part in ("tasks", "templates", "handlers", "vars")
        for path in (role / part).rglob("*")
        if path.is_file()
    )
    used = set(re.findall(rf"\b{role.name}_[a-z][a-z_]*", text))
    assert used == set(specification(role)["options"])


def test_what_the_national_operator_or_the_organisation_decides_has_no_default(role: Path) -> None:
    options = specification(role)["options"]
    decided = ("retention_days", "authorities", "peers", "ntp", "management_networks")
    assert not [name for name, option in options.items() if name.endswith(decided) and "default" in option]
