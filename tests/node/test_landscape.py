"""A small landscape on real nodes, of what a case passes on its way; tests/life asks the same of a whole one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lives import Lives, taken_down
from tests.living import Running, alive
from tests.nodes import RealNodes

pytestmark = pytest.mark.timeout(2400)

STACK = "gm9904-test"
SMALL = {name: {"enabled": False} for name in ("openklant", "openobject", "openformulieren")}


@pytest.fixture(scope="module")
def life(nodes: RealNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The landscape."""
    with alive(nodes, STACK, tmp_path_factory.mktemp("landscape"), components=SMALL) as found:
        yield found


class TestSmallLandscape(Lives):
    """All of it."""


def test_down_leaves_nothing(life: Running) -> None:
    taken_down(life)
