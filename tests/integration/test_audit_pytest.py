"""`pytest policies --tenant ...`: one test per control and component, in every way in which auditors run pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggi.paths import ROOT

ON = ["--date", "2026-11-22"]


def run(*arguments: str, below: str = "policies") -> subprocess.CompletedProcess[str]:
    """`pytest policies` with these arguments, as a user types it, but for the cache."""
    command = [sys.executable, "-m", "pytest", below, "-p", "no:cacheprovider", "-q", *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GGI_", "COV_"))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ET.Element]]:
    """The test cases of a JUnit file, of a landscape with one planted violation and two accepted deviations."""
    folder = tmp_path_factory.mktemp("auditor")
    shutil.copytree(ROOT / "inventories", folder / "inventories")
    tenant = folder / "inventories" / "tenants" / "gm9901.yaml"
    text = tenant.read_text(encoding="utf-8")
    tenant.write_text(text.replace("components:\n", "components:\n  postgresql: {instances: 1}\n"), encoding="utf-8")
    xml = folder / "out.xml"
    done = run("--tenant", "gm9901", *ON, "--inventory", str(folder / "inventories"), f"--junitxml={xml}")
    assert done.returncode == 1, done.stdout + done.stderr
    yield list(ET.parse(xml).getroot().iter("testcase"))  # noqa: S314  (our own file)


def names(cases: list[ET.Element], child: str) -> list[str]:
    return [str(case.get("name")) for case in cases if case.find(child) is not None]


def test_a_deviation_fails_and_says_where_and_what_to_do(cases: list[ET.Element]) -> None:
    assert names(cases, "failure") == ["AVL-005[gm9901-prod/postgresql]"]
    (failed,) = [case.find("failure") for case in cases if case.find("failure") is not None]
    assert failed is not None
    text = failed.text or ""
    assert "inventories/tenants/gm9901.yaml" in text
    assert "instances" in text
    assert "Traceback" not in text


def test_there_is_a_test_per_control_and_component(cases: list[ET.Element]) -> None:
    found = {str(case.get("name")) for case in cases}
    assert len(found) == len(cases) > 500
    assert {"POD-001[gm9901-prod/openzaak]", "POD-001[gm9901-prod/redis]", "GOV-001[gm9901-prod]"} <= found


def test_what_was_accepted_is_an_expected_failure_and_what_was_not_judged_is_skipped(cases: list[ET.Element]) -> None:
    skipped = {str(case.get("name")): case.find("skipped") for case in cases if case.find("skipped") is not None}
    accepted = skipped["AVL-004[gm9901-prod/fscmanager]"]
    assert accepted is not None
    assert accepted.get("type") == "pytest.xfail"
    assert "accepted by CISO until 2027-09-30" in str(accepted.get("message"))
    unknown = skipped["IMG-003[gm9901-prod/openzaak]"]
    assert unknown is not None
    assert "not judged" in (unknown.text or "") + str(unknown.get("message"))


def test_every_test_carries_its_control_as_a_property(cases: list[ET.Element]) -> None:
    properties = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert str(properties["control"]) in str(cases[0].get("name"))
    assert properties["severity"] in ("critical", "high", "medium", "low")


def test_a_choice_by_name_works_with_several_workers() -> None:
    done = run("--tenant", "gm9902-accp", *ON, "-k", "POD-001 and redis", "-n", "2", below="policies/controls/POD-001")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--tenant gm9901"),
        (["--tenant", "gm9999"], "no tenant or stack gm9999"),
        (["--tenant", "gm9901", "--from", "memory"], "memory"),
        (["--tenant", "gm9901", "--date", "soon"], "soon"),
    ],
)
def test_wrong_use_is_told_without_a_traceback(arguments: list[str], told: str) -> None:
    done = run(*arguments)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_tests_of_the_repository_do_not_judge_a_landscape(request: pytest.FixtureRequest) -> None:
    assert request.config.getini("testpaths") == ["tests"]
    assert not [item for item in request.session.items if "policies" in Path(item.path).relative_to(ROOT).parts[:1]]
