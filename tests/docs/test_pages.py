"""The commands in the pages are run, in order, as a reader would: each page in one shell."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggi.engine.tools import CONTROL_PLANE, PULUMI, status
from ggi.paths import ROOT

ALL = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
PAGES = sorted(page for page in ALL if "```sh" in page.read_text(encoding="utf-8"))
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
SKIPPED = "# not run by the tests"
"""First line of a block that the tests leave out, such as the one that runs the tests."""


TWINS = {ROOT / "docs" / "nl" / "snel-beginnen.md": ROOT / "docs" / "en" / "quick-start.md"}
"""A page and the one of which it is the translation."""


def lines(page: Path) -> list[str]:
    """The commands of a page."""
    blocks = [b for b in BLOCK.findall(page.read_text(encoding="utf-8")) if not b.startswith(SKIPPED)]
    return "\n".join(blocks).splitlines()


def commands(page: Path) -> str:
    """All commands of a page as one script that stops at the first failure.

    Of a translation the commands that need a sandbox are left out: those of its twin are run, and are the same.
    """
    wanted = [line for line in lines(page) if page not in TWINS or "sandbox" not in line]
    return "set -eu\n" + "\n".join(wanted)


def test_there_are_pages_with_commands() -> None:
    assert {"README.md"} < {p.name for p in PAGES}


@pytest.mark.parametrize("page", TWINS, ids=lambda p: p.name)
def test_a_translated_page_has_the_commands_of_its_twin(page: Path) -> None:
    known = iter(lines(TWINS[page]))
    plain = [line.replace(" --lang nl", "").replace("mijn", "mine") for line in lines(page)]
    assert [line for line in plain if line not in known] == [], "not there, or not in this order"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a reader with a state folder of their own; its sandbox is stopped at the end."""
    folder = tmp_path_factory.mktemp("reader")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GGI_") or k == "GGI_CACHE_HOME"}
    environment |= {"GGI_STATE_HOME": str(folder / "state"), "TMPDIR": str(folder)}
    yield environment
    subprocess.run([str(ROOT / "ggi"), "sandbox", "stop"], cwd=ROOT, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_commands_of_a_page_work(page: Path, home: dict[str, str]) -> None:
    script = commands(page)
    if "--sandbox" in script:
        missing = [tool.name for tool in (PULUMI, *CONTROL_PLANE) if status(tool).found is None]
        if missing and not os.environ.get("CI"):
            pytest.skip(f"not built yet: {', '.join(missing)} (`./ggi sandbox start` builds them)")
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=home, capture_output=True, text=True, timeout=3000, check=False
    )
    assert done.returncode == 0, f"{page.name}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_pages_link_only_to_what_exists() -> None:
    broken = []
    for page in [*ALL, ROOT / "sandbox" / "README.md"]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken
