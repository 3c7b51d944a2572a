"""What the engine and its policies report, in words for people: each once."""

from __future__ import annotations

from typing import Any

from ggi.engine.events import Watcher


def policy_event(name: str, level: str, text: str) -> dict[str, Any]:
    """As the engine's event log has it: the SDK puts the policy's title on a line before what it reports."""
    return {"policyEvent": {"policyName": name, "enforcementLevel": level, "message": f"The title\n{text}"}}


def told(level: str, *texts: str) -> Watcher:
    watcher = Watcher()
    for text in texts:
        watcher(policy_event("POD-001", level, text))
    return watcher


def test_what_a_control_says_comes_without_title_and_name_of_the_policy() -> None:
    watcher = told("advisory", "POD-001 openzaak/Deployment/web: It runs as root (web)\n    Set runAsNonRoot.")
    assert watcher.outcome(1).messages == (
        "POD-001 openzaak/Deployment/web: It runs as root (web)\n    Set runAsNonRoot.",
    )


def test_a_mandatory_violation_is_an_error_and_no_message() -> None:
    watcher = told("mandatory", "POD-001 a/Deployment/web: Wrong")
    assert watcher.errors == ["POD-001 a/Deployment/web: Wrong"] and watcher.outcome(1).messages == ()


def test_the_same_of_preview_and_update_is_told_once() -> None:
    assert len(told("advisory", *["POD-001 a/Deployment/web: Wrong"] * 3).outcome(1).messages) == 1


def test_what_one_control_says_of_many_objects_is_one_line() -> None:
    watcher = told("advisory", *[f"POD-001 {name}/Deployment/web: Wrong" for name in "abcde"], "POD-002 a/Job/x: Wrong")
    assert watcher.outcome(1).messages == (
        "POD-001 a/Deployment/web and 4 others: Wrong",
        "POD-002 a/Job/x: Wrong",
    )
