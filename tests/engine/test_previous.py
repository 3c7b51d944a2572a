"""A stack that the previous version made goes on under this one: its data stays, and its trail goes on.

`previous/` holds what version efc7a3b left (see `recording.py`), with the inventory that it had: an example that
changes later is no reason to change what is recorded. A waiver and a baseline are in the form of that version.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ggi.engine.guard import LOGICAL_NAME
from ggi.landscape.objects import DATA_KINDS
from tests.engine.deploy.place import Place, Ran, eventually
from tests.engine.recording import PREVIOUS, lay, make_objects, paths, recorded

pytestmark = pytest.mark.timeout(900)

CLUSTER, STACK, NAMESPACE = "cluster-midden-accp", "gm9901-prod", "rijnstad"
CODES = "evidence is a code with its value, no longer an English sentence (decision 018)"
RULES = [
    "app-001",
    "app-002",
    "app-003",
    "app-004",
    "app-005",
    "app-006",
    "app-010",
    "app-011",
    "avl-001",
    "avl-003",
    "avl-005",
    "avl-006",
    "avl-008",
    "avl-010",
    "crt-001",
    "crt-002",
    "crt-003",
    "dat-001",
    "dat-002",
    "dat-003",
    "dat-004",
    "dat-005",
    "dat-007",
    "dat-008",
    "fsc-003",
    "fsc-004",
    "img-001",
    "img-002",
    "log-001",
    "log-002",
    "net-002",
    "net-003",
    "net-004",
    "net-007",
    "net-008",
    "pod-001",
    "pod-002",
    "pod-003",
    "pod-004",
    "pod-005",
    "pod-006",
    "pod-007",
    "pod-008",
    "pod-009",
    "pod-010",
    "pod-011",
    "pod-012",
    "pod-013",
    "pod-014",
    "pod-015",
    "pod-016",
    "pod-017",
    "pod-018",
    "pod-019",
    "pod-020",
    "sec-001",
    "sec-003",
    "sec-004",
    "sec-005",
    "tls-001",
    "tls-002",
    "tls-003",
    "tls-004",
    "tls-005",
    "tls-006",
    "tls-007",
    "tls-009",
]
"""The controls that the cluster of then judged by itself."""
TLS = "one address for a thing, its public name over TLS, which pods end themselves (decision 021)"
BESIDE = "nginx runs beside the web process now (decision 021)"
NAMES = f"its name carries a hash or a tag of its content; {TLS}"
KEY = "the authority keeps its key at renewal (decision 021)"
WAITS = "an update waits until Gateway and routes are served"
FSC_LIFE = "its programs read their certificate once: it holds for half a year after its renewal"
FSC = "its probes ask its health pages, its container has a name of its own, its database's address fits pgx"
SEEN_BY_PROMETHEUS = "an open port for figures that nothing told Prometheus of"
OBJECTS: dict[str, dict[str, list[str]]] = {
    "update": {
        WAITS: [
            "fscinway/TLSRoute/main",
            "fscmanager/TLSRoute/main",
            "platform/Gateway/main",
            "platform/HTTPRoute/redirect",
        ],
        FSC_LIFE: [f"{name}/Certificate/internal" for name in ("fscinway", "fscmanager", "fscoutway", "fsctxlog")],
        TLS: [
            "fsccontroller/Certificate/internal",
            "fsccontroller/Deployment/server",
            "fsccontroller/HTTPRoute/main",
            "fsccontroller/NetworkPolicy/server",
            "fsccontroller/Service/server",
            "keycloak/Deployment/server",
            "keycloak/HTTPRoute/main",
            "keycloak/NetworkPolicy/configure",
            "keycloak/NetworkPolicy/server",
            "keycloak/Service/server",
            "openformulieren/Deployment/beat",
            "openformulieren/Deployment/web",
            "openformulieren/Deployment/worker",
            "openformulieren/HTTPRoute/main",
            "openformulieren/NetworkPolicy/web",
            "openformulieren/NetworkPolicy/worker",
            "openformulieren/Service/web",
            "openklant/Deployment/web",
            "openklant/Deployment/worker",
            "openklant/HTTPRoute/main",
            "openklant/NetworkPolicy/web",
            "openklant/NetworkPolicy/worker",
            "openklant/Service/web",
            "opennotificaties/Deployment/beat",
            "opennotificaties/Deployment/web",
            "opennotificaties/Deployment/worker",
            "opennotificaties/HTTPRoute/main",
            "opennotificaties/NetworkPolicy/web",
            "opennotificaties/NetworkPolicy/worker",
            "opennotificaties/Service/web",
            "openobject/Deployment/web",
            "openobject/Deployment/worker",
            "openobject/HTTPRoute/main",
            "openobject/NetworkPolicy/web",
            "openobject/NetworkPolicy/worker",
            "openobject/Service/web",
            "openzaak/Deployment/beat",
            "openzaak/Deployment/web",
            "openzaak/Deployment/worker",
            "openzaak/HTTPRoute/main",
            "openzaak/NetworkPolicy/web",
            "openzaak/NetworkPolicy/worker",
            "openzaak/Service/web",
            "platform/ResourceQuota/main",
            "redis/StatefulSet/server",
        ],
        KEY: [
            "platform/Certificate/internal-ca",
        ],
        FSC: [
            "fscinway/Deployment/server",
            "fscmanager/Deployment/server",
            "fscoutway/Deployment/server",
            "fsctxlog/Deployment/server",
        ],
        "its first database is said; of a cluster that is there, the operator does not look at it": [
            "postgresql/Cluster/main",
        ],
    },
    "replace": {
        NAMES: [
            "fsccontroller/ConfigMap/env",
            "fsccontroller/Job/migrate",
            "keycloak/ConfigMap/configure-files",
            "keycloak/ConfigMap/env",
            "keycloak/Job/configure",
            "openformulieren/ConfigMap/env",
            "openformulieren/ConfigMap/nginx-files",
            "openformulieren/ConfigMap/setup",
            "openformulieren/Job/configure",
            "openformulieren/Job/migrate",
            "openformulieren/Secret/env",
            "openklant/ConfigMap/env",
            "openklant/ConfigMap/setup",
            "openklant/Job/configure",
            "openklant/Job/migrate",
            "openklant/Secret/env",
            "opennotificaties/ConfigMap/env",
            "opennotificaties/ConfigMap/setup",
            "opennotificaties/Job/configure",
            "opennotificaties/Job/migrate",
            "opennotificaties/Secret/env",
            "openobject/ConfigMap/env",
            "openobject/ConfigMap/setup",
            "openobject/Job/configure",
            "openobject/Job/migrate",
            "openobject/Secret/env",
            "openzaak/ConfigMap/env",
            "openzaak/ConfigMap/nginx-files",
            "openzaak/ConfigMap/setup",
            "openzaak/Job/configure",
            "openzaak/Job/migrate",
            "openzaak/Secret/env",
            "redis/ConfigMap/server-files",
        ],
        FSC: [
            "fsccontroller/Secret/env",
            "fscmanager/Job/migrate",
            "fscmanager/Secret/env",
            "fsctxlog/Job/migrate",
            "fsctxlog/Secret/env",
        ],
    },
    "create": {
        TLS: [
            "fsccontroller/BackendTLSPolicy/main",
            "fsccontroller/ConfigMap/nginx-files",
            "keycloak/BackendTLSPolicy/main",
            "keycloak/Certificate/internal",
            "openformulieren/BackendTLSPolicy/main",
            "openformulieren/Certificate/internal",
            "openformulieren/ConfigMap/files",
            "openklant/BackendTLSPolicy/main",
            "openklant/Certificate/internal",
            "openklant/ConfigMap/files",
            "openklant/ConfigMap/nginx-files",
            "opennotificaties/BackendTLSPolicy/main",
            "opennotificaties/Certificate/internal",
            "opennotificaties/ConfigMap/files",
            "opennotificaties/ConfigMap/nginx-files",
            "openobject/BackendTLSPolicy/main",
            "openobject/Certificate/internal",
            "openobject/ConfigMap/files",
            "openobject/ConfigMap/nginx-files",
            "openzaak/BackendTLSPolicy/main",
            "openzaak/Certificate/internal",
            "openzaak/ConfigMap/files",
            "redis/Certificate/internal",
        ],
        SEEN_BY_PROMETHEUS: [
            "keycloak/PodMonitor/server",
            "postgresql/PodMonitor/instance",
        ],
    },
    "delete": {
        BESIDE: [
            "openformulieren/Deployment/nginx",
            "openformulieren/NetworkPolicy/nginx",
            "openformulieren/PodDisruptionBudget/nginx",
            "openformulieren/Service/nginx",
            "openzaak/Deployment/nginx",
            "openzaak/NetworkPolicy/nginx",
            "openzaak/PodDisruptionBudget/nginx",
            "openzaak/Service/nginx",
        ],
        "the operator makes one of this name; ours, without a token, kept PostgreSQL from starting": [
            "postgresql/ServiceAccount/main",
        ],
    },
}
CHANGED: dict[str, tuple[str, str]] = {
    "platform/Namespace/main": ("update", f"its annotation with what was accepted: {CODES}"),
    **{name: (what, why) for what, found in OBJECTS.items() for why, names in found.items() for name in names},
}
"""What the first update of the landscape does: logical name, what is done with it, and why that had to be."""
CHANGED_IN_CLUSTER: dict[str, str] = {
    **dict.fromkeys((f"admission/ValidatingAdmissionPolicy/{rule}" for rule in RULES), CODES),
    "audit/ClusterRole/read": "its annotation with the fingerprint of all of these",
}
"""The same for what the cluster has of its own, changed in place."""
NEW_IN_CLUSTER = {
    "admission/ValidatingAdmissionPolicy/tls-011": "a new control: good TLS inside as well (decision 021)",
    "admission/ValidatingAdmissionPolicyBinding/tls-011-deny": "its binding",
    "admission/ValidatingAdmissionPolicyBinding/tls-011-warn": "its binding",
}
"""What is new there."""


@dataclass(frozen=True)
class Previous:
    """A sandbox with two stacks of the previous version, and what this version would change in them."""

    place: Place
    plan: dict[str, str]
    plan_of_cluster: dict[str, str]
    objects: dict[tuple[str, str], object]
    """What tells whether anybody wrote, before the first update."""


@dataclass(frozen=True)
class Updated:
    """What the first update by this version wrote, and the objects after it."""

    ran: Ran
    objects: dict[tuple[str, str], object]


def place_of(folder: Path) -> Place:
    """A place with the inventory of the previous version."""
    place = Place(folder, sandbox="default")
    place.prepare()
    shutil.copytree(PREVIOUS / "inventories", place.inventory, dirs_exist_ok=True)
    return place


@pytest.fixture(scope="module")
def previous(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previous]:
    """The sandbox, before this version writes anything in it."""
    place = place_of(tmp_path_factory.mktemp("previous"))
    try:
        place.ggi("sandbox", "start", timeout=900)
        lay(place.state, place.api)
        for stack in (CLUSTER, STACK):
            make_objects(place.api, place.pulumi(stack, "stack", "export", "--show-secrets").json)
        eventually(lambda: is_ready(place), 120)
        yield Previous(place, place.changes(STACK), place.changes(CLUSTER), place.generations(STACK, NAMESPACE))
    finally:
        place.close()


@pytest.fixture(scope="module")
def updated(previous: Previous) -> Updated:
    """The first update by this version, after an engine of the previous one died in the middle of another."""
    die(previous.place)
    ran = previous.place.up(STACK, "--change", "C-2026-3")
    return Updated(ran, previous.place.generations(STACK, NAMESPACE))


def is_ready(place: Place) -> bool:
    """Whether `ggi status` says that everything is ready."""
    words = place.command("status", STACK, "--sandbox")
    done = subprocess.run(words, cwd=place.folder, env=place.environment(), capture_output=True, check=False)
    return done.returncode == 0


def die(place: Place) -> None:
    """Leave what an engine leaves that is killed: its lock, and in the state what it was doing."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    lock = {"pid": dead.pid, "username": "beheerder", "hostname": socket.gethostname()}
    folder = place.locks / "organization" / "ggi" / STACK
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "killed.json").write_text(json.dumps(lock | {"timestamp": "2026-11-30T01:43:00Z"}), encoding="utf-8")
    state = json.loads(place.checkpoint(STACK).read_bytes())
    latest = state["checkpoint"]["latest"]
    doing = next(item for item in latest["resources"] if item["type"].endswith(":Deployment"))
    latest["pending_operations"] = [{"resource": doing, "type": "updating"}]
    place.checkpoint(STACK).write_text(json.dumps(state), encoding="utf-8")


def test_nothing_with_data_is_replaced_or_removed_and_what_changes_is_listed_with_its_reason(
    previous: Previous,
) -> None:
    assert previous.plan == {name: what for name, (what, _) in CHANGED.items()}
    lost = [name for name, what in previous.plan.items() if what in ("replace", "delete")]
    assert not [name for name in lost if name.split("/")[1] in DATA_KINDS]
    in_cluster = dict.fromkeys(CHANGED_IN_CLUSTER, "update") | dict.fromkeys(NEW_IN_CLUSTER, "create")
    assert previous.plan_of_cluster == in_cluster


def test_the_update_changes_that_alone_and_takes_away_the_lock_of_the_run_that_died(
    previous: Previous, updated: Updated
) -> None:
    assert "An earlier run died and left its lock" in updated.ran.err
    live = previous.place.objects(STACK, NAMESPACE)
    # Pods, which others make, carry our label as well, but no logical name.
    before, after = (
        {key: seen for key, seen in found.items() if LOGICAL_NAME in str(seen)}
        for found in (previous.objects, updated.objects)
    )
    written = {key for key, seen in after.items() if seen != before.get(key)}
    there = {name for name, (what, _) in CHANGED.items() if what != "delete"}
    seen = {live[key]["metadata"]["annotations"][LOGICAL_NAME] for key in written}
    assert seen <= there
    # A Service and a quota have no generation, and what an update waits for is an annotation of the engine's own.
    waits = {name for name, (_, why) in CHANGED.items() if why == WAITS}
    assert {name for name in there - seen - waits if name.split("/")[1] not in ("Service", "ResourceQuota")} == set()
    # Kubernetes copies the annotations of a Deployment to its ReplicaSets, which go with it.
    gone = sorted(key for key in before.keys() - after.keys() if key[0] != "ReplicaSet")
    assert len(gone) == sum(1 for what, _ in CHANGED.values() if what in ("delete", "replace")), gone
    previous.place.whole(STACK, NAMESPACE)
    assert previous.place.ggi("status", STACK, "--sandbox", "--json").json["ready"] is True
    assert previous.place.changes(STACK) == {}


def test_the_trail_goes_on_after_its_old_lines_and_the_dossier_has_both(previous: Previous, updated: Updated) -> None:
    text = (previous.place.state / paths(STACK)["trail"]).read_text(encoding="utf-8")
    assert text.startswith(recorded()[paths(STACK)["trail"]])
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["kind"] for line in lines] == ["begin", "end", "begin", "end"]
    assert lines[2]["before"] == lines[1]["fingerprint"]
    assert lines[3]["changes"].get("update", 0) == sum(1 for what, _ in CHANGED.values() if what == "update")
    found = previous.place.ggi("dossier", "gm9901", "--sandbox", "--period", "2020-01-01..2099-12-31", "--json").json
    assert found["problems"] == [] and found["outside"] == {}
    assert [item["change"] for item in found["population"]] == ["C-2026-2", "C-2026-3"]
    assert [item["outcome"] for item in found["population"]] == ["done", "done"]


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same landscape under a code for which the checkout has no waivers, so that it deviates."""
    place = place_of(tmp_path_factory.mktemp("waivers"))
    file = place.inventory / "tenants" / "gm9901.yaml"
    text = file.read_text(encoding="utf-8").replace("GM9901", "GM9904")
    file.unlink()
    file.with_name("gm9904.yaml").write_text(text, encoding="utf-8")
    return place


def deviations(place: Place, *more: str, code: int = 0) -> dict[str, tuple[str, str | None]]:
    """Outcome of each subject of AVL-004 that deviates, and since when it is known."""
    ran = place.ggi("audit", "gm9904-prod", "--date", "2026-12-01", "--json", *more, code=code)
    findings: list[dict[str, Any]] = ran.json[0]["findings"]
    return {
        item["subject"]: (item["outcome"], item["known_since"])
        for item in findings
        if item["control"] == "AVL-004" and item["outcome"] != "PASS"
    }


CONTROLLER, MANAGER = "fsccontroller/Deployment/server", "fscmanager/Deployment/server"


def test_what_a_baseline_of_the_previous_version_has_is_known(lent: Place) -> None:
    known = deviations(lent, "--baseline", str(PREVIOUS / "baseline.json"))
    assert known == {CONTROLLER: ("FAIL", "2026-11-30"), MANAGER: ("FAIL", "2026-11-30")}


def test_a_waiver_of_the_previous_version_accepts_what_it_accepted(lent: Place) -> None:
    content = lent.folder / "content"
    (content / "stacks").mkdir(parents=True)
    shutil.copytree(PREVIOUS / "waivers", content / "policies" / "waivers")
    lent.ggi("waivers", "migrate", "--write", "--content", str(content))
    found = deviations(lent, "--content", str(content), code=1)
    assert found == {CONTROLLER: ("FAIL", None), MANAGER: ("WAIVED", None)}
