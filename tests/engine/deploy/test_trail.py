"""What an update leaves in the stack's trail, and what goes through the policy pack: with the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.deploy.place import Place

pytestmark = pytest.mark.timeout(900)

EXPIRED = {
    "control": "AVL-004",
    "resource": "openklant/Deployment/web",
    "value": "replicas=1",
    "reason": "A few more months are needed.",
    "owner": "proceseigenaar",
    "approver": "CISO",
    "granted": "2025-06-01",
    "expires": "2025-12-01",
    "compensating": "Somebody looks at it every day.",
}
"""A waiver that is over: GOV-003, which refuses every change in accp."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A content root with that waiver."""
    folder = tmp_path_factory.mktemp("content")
    (folder / "stacks").mkdir()
    (folder / "policies" / "waivers").mkdir(parents=True)
    (folder / "policies" / "waivers" / "gm9975.yaml").write_text(json.dumps({"waivers": [EXPIRED]}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def lines(place: Place, content: Path) -> list[dict[str, Any]]:
    """The trail after an update that was refused, one that was urgent, and one under a number."""
    stack = place.tenant("GM9975")
    refused = place.up(stack, "--content", str(content), code=1)
    assert "GOV-003" in refused.err
    urgent = ("--urgent", "--ticket", "W2611-0200", "--reason", "A leak is mended with this.")
    ran = place.up(stack, "--content", str(content), *urgent)
    assert "let through as urgent (W2611-0200)" in ran.err, "the policy pack says so too"
    place.up(stack, "--change", "W2611-0201")
    path = place.state / "trail" / f"{stack}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_operation_is_in_the_trail_with_how_it_ended(lines: list[dict[str, Any]]) -> None:
    assert [line["kind"] for line in lines] == ["refused", "begin", "end", "begin", "end"]
    assert lines[0]["policy"]["blocking"] == ["GOV-003"]
    assert [line["outcome"] for line in lines if line["kind"] == "end"] == ["done", "done"]
    assert lines[2]["changes"].keys() == {"create"}
    assert [lines[1]["before"], lines[3]["before"]] == ["", lines[1]["fingerprint"]]
    assert [line["change"] for line in lines if line["kind"] == "begin"] == ["W2611-0200", "W2611-0201"]
    assert [control for control, _, _ in lines[1]["urgent"]["findings"]] == ["GOV-003"]
    assert "urgent" not in lines[3]


def test_the_engine_s_history_has_the_hash_of_each_update(place: Place, lines: list[dict[str, Any]]) -> None:
    found = place.ggi("dossier", "gm9975", "--sandbox", "--period", "2020-01-01..2099-12-31", "--json").json
    assert found["problems"] == [] and found["outside"] == {}
    assert [item["hash"] for item in found["population"]] == [lines[n]["hash"] for n in (0, 1, 3)]
    path = place.state / "trail" / "gm9975-accp.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:1]))
    try:
        told = place.ggi("dossier", "gm9975", "--sandbox", "--period", "2020-01-01..2099-12-31", "--json", code=1).json
    finally:
        path.write_bytes(whole)
    assert len(told["problems"]) == 2, "two updates were cut off"


def test_what_was_urgent_waits_for_another_person(place: Place, lines: list[dict[str, Any]]) -> None:
    waiting = place.ggi("waivers", "gm9975", "--json", code=1).json["urgent"]
    assert [(item["number"], item["change"]) for item in waiting] == [(2, "W2611-0200")]
    ran = place.ggi("approve", "gm9975", "2", "--role", "CISO", "--sandbox", code=2)
    assert "does not approve it" in ran.err
