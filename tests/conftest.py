"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ggi import messages
from ggi.cli.commands.machine import TIERS
from tests.nodes import nodes as nodes

# On a machine with other work an example may take seconds; how long one takes says nothing about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

TOGETHER = {
    "engine/deploy/test_faults": "a sandbox that breaks",
    "engine/deploy/test_strangers": "a sandbox that breaks",
    "engine/deploy/test_trail": "a sandbox that breaks",
    "engine/deploy/test_widened": "a sandbox that breaks",
    "engine/deploy": "a sandbox",
    "engine/policy": "a sandbox",
    "browser": "a browser",
    "hosts": "test hosts",
    "node": "real nodes",
    "life": "real nodes",
}
"""By how the path begins: what shares a server or a browser. There are two sandboxes, for two processes to use."""
LONGEST = (
    "a sandbox",
    "a sandbox that breaks",
    "docs/test_pages",
    "real/test_keycloak",
    "engine/test_previous",
    "a browser",
    "engine/test_controlplane",
    "engine/test_plugin_kubernetes",
    "real/test_setup_configuration",
    "landscape/test_all_342",
)
"""What takes longest, in that order: begun last, it would leave the other processes idle at the end."""


def group(path: Path) -> str:
    """What stays on one process, which makes its fixtures once: the tests of a file, or of what shares a server."""
    name = path.relative_to(Path(__file__).parent).with_suffix("").as_posix()
    return next((shared for start, shared in TOGETHER.items() if name.startswith(start)), name)


def pytest_configure(config: pytest.Config) -> None:
    """Make known the marks, which are the tiers of `ggi test`."""
    for tier, held in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {held}")


@pytest.hookimpl(tryfirst=True)  # before pytest and xdist read the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier and, for `--dist loadgroup`, with its group, and put the longest groups first."""
    for item in items:
        item.add_marker(item.path.relative_to(Path(__file__).parent).parts[0])
        item.add_marker(pytest.mark.xdist_group(group(item.path)))
    order = {name: place for place, name in enumerate(LONGEST)}
    last = {"real nodes": len(order) + 1}  # they slow down everything beside them, and are slowed down by it
    items.sort(key=lambda item: (order | last).get(group(item.path), len(order)))


@pytest.fixture
def content_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content is read once for all commands of all tests; imported here, since most tiers need none of it."""
    from tests.content import read_once

    read_once(monkeypatch)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Every test begins in English; what a test or a command chose is forgotten with it."""
    messages.set_language("en")
    yield
    messages.set_language("en")
