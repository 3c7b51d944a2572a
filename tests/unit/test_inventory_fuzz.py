"""Whatever stands in a tenant file, the answer is a landscape or an error with a place; never a traceback."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ggi.errors import GgiError
from ggi.inventory.explain import explain
from ggi.inventory.tree import parse
from ggi.landscape.build import landscape
from ggi.landscape.derived import deriver
from ggi.paths import ROOT
from tests.content import catalogue, inventory

FILES = sorted((ROOT / "inventories" / "tenants").glob("*.yaml"))
PIECES = [
    "{", "}", "[", "]", ":", ": ", "- ", "#", '"', "'", "&a ", "*a", "!!str ", "|", ">", "?", "%", "@", "\t", "\n",
    "\n  ", "  ", ",", "~", "null", "true", "-1", "1e400", "0x", ".inf", "9" * 30, "99999999999999999999", "locked: ",
    "append: ", "{locked: 1}", "{append: [1]}", "environments:", "components:", "\x00", "\x85", "\u2028", "\ufeff", "é",
    "\U0001f600", "---\n", "...\n", "<<: ", "GM0000", "GM1696", "2026.10", "prod:", "productie:", "openzaak:",
    "keycloak:", "external: {}", "replicas: 0", "enabled: false", "databases: {openzaak-cache: 99}", "state: merged",
    "serves: [GM9901]",
]  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """(id, text) of a shipped tenant file after some edits by a careless hand."""
    path = draw(st.sampled_from(FILES))
    text = path.read_text(encoding="utf-8")
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["insert", "insert", "cut", "lines", "swap"]))
        at = draw(st.integers(0, len(text)))
        if kind == "insert":
            text = text[:at] + draw(st.sampled_from(PIECES) | st.text(max_size=3)) + text[at:]
        elif kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 12)) :]
        else:
            lines = text.splitlines(keepends=True)
            if lines:
                one = draw(st.integers(0, len(lines) - 1))
                two = draw(st.integers(0, len(lines) - 1))
                lines[one] = lines[two] if kind == "lines" else lines[one].lstrip()
            text = "".join(lines)
    return path.stem, text


def _everything(tenant_id: str, text: str) -> None:
    found = inventory()
    tenant = found.tenant_from(parse(text, "inventories/tenants/x.yaml", "tenant"), tenant_id)
    for name in tenant.environments:
        environment = found.environment(tenant, name)
        for key in ("components", "inputs", "environments", "oin", "services"):
            explain(environment, key, found.known, deriver(catalogue()))
        assert landscape(environment, catalogue()).objects


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts())
def test_no_edit_of_a_good_file_gives_anything_but_a_landscape_or_a_problem_with_a_place(
    edited: tuple[str, str],
) -> None:
    try:
        _everything(*edited)
    except GgiError as error:
        assert error.exit_code == 2
        assert error.problems
        assert all(p.message and p.origin is not None and p.origin.file for p in error.problems)


words = st.sampled_from(
    ["components", "openzaak", "replicas", "environments", "prod", "inputs", "0", "-1", "", "x", "services"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(words | st.text(max_size=4), max_size=5))
def test_no_key_makes_explain_fail_with_anything_but_a_problem(steps: list[str]) -> None:
    found = inventory()
    environment: Any = found.environment(found.tenant("gm9901"), "prod")
    try:
        explain(environment, ".".join(steps), found.known, deriver(catalogue()))
    except GgiError as error:
        assert error.exit_code == 2


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=20) | st.sampled_from(["gm9901-", "-prod", "../gm9901", "gm9901/..", "GM9901-PROD", "'", "\x00"])
)
def test_no_name_makes_finding_fail_with_anything_but_a_problem(word: str) -> None:
    try:
        inventory().find(word)
    except GgiError as error:
        assert error.exit_code == 2
