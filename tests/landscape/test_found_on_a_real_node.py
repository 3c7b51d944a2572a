"""What real pods and operators showed: each expectation is that of the program or of Kubernetes, named beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ggi.errors import InputError
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object
from tests.content import catalogue, inventory, landscapes
from tests.example import drawn

each = pytest.mark.parametrize("built", landscapes(), ids=lambda built: built.stack)


def named(built: Landscape, name: str) -> dict[str, Any]:
    return next(o.body for o in built.objects if o.name == name)


def workloads(built: Landscape) -> Iterator[tuple[Object, dict[str, Any]]]:
    for item in built.objects:
        if item.kind in ("Deployment", "StatefulSet"):
            yield item, item.body["spec"]["template"]["spec"]


@each
def test_no_account_stands_in_the_way_of_the_operators_own(built: Landscape) -> None:
    """cloudnative-pg 1.30.0, internal/controller/cluster_create.go: the account is named as the Cluster, and used."""
    clusters = {o.kube_name for o in built.objects if o.kind == "Cluster"}
    assert clusters.isdisjoint(o.kube_name for o in built.objects if o.kind == "ServiceAccount")


@each
def test_a_budget_never_keeps_the_only_instance_on_its_node(built: Landscape) -> None:
    """cloudnative-pg 1.30.0, docs/src/kubernetes_upgrade.md."""
    for item in built.objects:
        if item.kind == "Cluster":
            assert item.body["spec"]["enablePDB"] is (item.body["spec"]["instances"] > 1)


@each
def test_the_operator_makes_no_database_and_no_login_that_nobody_asked_for(built: Landscape) -> None:
    """cloudnative-pg 1.30.0, initdb.go: an existing database is left as it is, and its owner alone would be made."""
    for item in built.objects:
        if item.kind != "Cluster":
            continue
        initdb = item.body["spec"]["bootstrap"]["initdb"]
        assert initdb["database"] == "postgres"
        role = next(r for r in item.body["spec"]["managed"]["roles"] if r["name"] == initdb["owner"])
        assert role == {"name": initdb["owner"], "ensure": "present", "login": False, "connectionLimit": 0}
        lines = item.body["spec"]["postgresql"]["pg_hba"]
        assert (
            not [line for line in lines if initdb["owner"] in line.split()] and lines[-1] == "host all all all reject"
        )


@each
def test_every_port_with_figures_is_read_where_there_is_prometheus(built: Landscape) -> None:
    monitors = [o.body["spec"] for o in built.objects if o.kind == "PodMonitor"]
    wanted = [
        (port.name, item.name)
        for item in built.components.values()
        if not item.external and item.name not in built.waiting
        for process in item.component.processes
        for port in process.ports
        if port.metrics
    ]
    assert len(monitors) == len(wanted)
    assert sorted(m["podMetricsEndpoints"][0]["port"] for m in monitors) == sorted(port for port, _ in wanted)


@each
def test_who_serves_with_others_goes_on_answering_until_nobody_asks(built: Landscape) -> None:
    """kubernetes.io, Pod Lifecycle: a pod is stopped at the same moment as it is taken out of its Services."""
    services = {str(o.body["spec"]["selector"]) for o in built.objects if o.kind == "Service"}
    for item, pod in workloads(built):
        serves = str(item.body["spec"]["selector"]["matchLabels"]) in services
        surges = item.body["spec"].get("strategy", {}).get("type") == "RollingUpdate"
        # All containers of a pod are told to stop at the same moment, so each that listens must pause.
        for container in (c for c in pod["containers"] if c.get("ports") or len(pod["containers"]) == 1):
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert bool(pause) is (serves and surges), item.name
            # The grace period runs from the beginning of the pause (kubernetes.io, Container Lifecycle Hooks).
            assert pod["terminationGracePeriodSeconds"] >= pause + 30


@each
def test_tokens_do_not_get_into_logs(built: Landscape) -> None:
    """django-log-outgoing-requests prints all headers of a request; who renamed the switch is in the contracts."""
    switches = {
        "openzaak": "LOG_REQUESTS",  # open-api-framework 0.14.0, conf/base.py
        "opennotificaties": "LOG_REQUESTS",
        "openklant": "LOG_REQUESTS",
        "openobject": "LOG_OUTGOING_REQUESTS",  # objects-api 4.0.0, conf/base.py
        "openformulieren": "LOG_OUTGOING_REQUESTS",  # open-forms 3.5.6, conf/base.py
    }
    for item in built.objects:
        if item.name.endswith("/ConfigMap/env") and "DJANGO_SETTINGS_MODULE" in item.body["data"]:
            assert item.body["data"][switches[item.component]] == "False"


@pytest.mark.parametrize(("release", "there"), [("2026.3", False), ("2026.4", True)])
def test_a_channel_is_only_there_from_the_version_that_has_it(tmp_path: Path, release: str, there: bool) -> None:
    """open-klant CHANGELOG.rst, 2.18.0: "Add klantcontacten kanaal"; the releases have 2.17.1 and 2.18.0."""
    text = named(drawn(catalogue(), tmp_path, release), "opennotificaties/ConfigMap/setup")["data"]["data.yaml"]
    assert ('"klantcontacten"' in text) is there


def test_the_console_of_keycloak_can_open() -> None:
    for built in landscapes():
        if "keycloak" in built.hosts:
            rules = named(built, "keycloak/HTTPRoute/main")["spec"]["rules"]
            assert "/admin/serverinfo" in [m["path"]["value"] for rule in rules for m in rule["matches"]]


@cache
def with_fsc() -> Landscape:
    return next(built for built in landscapes() if built.stack == "gm9901-prod")


def test_the_key_against_forged_requests_has_the_length_that_the_controller_takes() -> None:
    """Chart open-fsc-controller 2.4.0, values.yaml: "A 32-bytes long authkey"; base64url makes 4 of 3 bytes."""
    secret = next(o for o in with_fsc().objects if o.name == "fsccontroller/Secret/env")
    (reference,) = secret.secrets["CSRF_AUTH_KEY"].refs
    assert reference.size * 4 / 3 == 32


def test_the_controller_finds_its_roles_where_it_looks() -> None:
    """docs.open-fsc.nl, Setup OpenID Connect: the claim `groups` in the access token; chart: rolesFscAdmin."""
    data = named(with_fsc(), "fsccontroller/ConfigMap/env")["data"]
    realm = named(with_fsc(), "keycloak/ConfigMap/configure-files")["data"]
    client = next(text for key, text in realm.items() if "clients_fsccontroller-r" in key)
    assert f'"name": "{data["AUTHN_OIDC_ROLES_FSC_ADMIN"]}"' in "".join(realm.values())
    assert f'"claim.name": "{data["AUTHN_OIDC_ROLES_CLAIM"]}"' in client
    assert '"access.token.claim": "true"' in client
    others = [text for key, text in realm.items() if "_clients_" in key and "fsccontroller" not in key]
    assert others and all('"access.token.claim": "false"' in text for text in others)


@pytest.mark.parametrize("component", ["fscmanager", "fsccontroller", "fsctxlog"])
def test_the_address_of_a_database_has_no_blank_that_drivers_read_differently(component: str) -> None:
    secret = next(o for o in with_fsc().objects if o.name == f"{component}/Secret/env")
    address = secret.secrets["STORAGE_POSTGRES_DSN"].placeholder()
    assert f"&options=-crole%3D{component}" in address and "%20" not in address and "+" not in address


FSC = {f"{name}.certificate": {"on": "2026-09-14"} for name in ("fscmanager", "fscinway", "fscoutway")}
OIN = {"oin": "00000099999800000000"}


def fsc_landscape(folder: Path, components: dict[str, Any]) -> Landscape:
    from tests.example import alone, drawn_in

    settings = {"services": ["fsc"], "inputs": FSC, "components": components}
    return drawn_in(alone(folder), catalogue(), settings, **OIN)


def test_one_line_publishes_an_api(tmp_path: Path) -> None:
    built = fsc_landscape(tmp_path, {"fscinway": {"publishes": {"openzaak": ["zaken"]}}})
    (flow,) = [f for f in built.flows if f.source.component == "fscinway" and f.target.component == "openzaak"]
    assert flow.source.processes == ("server",)
    relation = next(r for r in built.relations if r.id == "fscinway->openzaak/web")
    assert (relation.credential, relation.accepted) == (None, ())
    assert "fscinway" not in named(built, "openzaak/ConfigMap/setup")["data"]["data.yaml"]


def test_one_line_lets_a_component_use_services_of_others(tmp_path: Path) -> None:
    built = fsc_landscape(tmp_path, {"fscoutway": {"used_by": ["openformulieren"]}})
    (flow,) = [f for f in built.flows if f.target.component == "fscoutway" and f.source.component == "openformulieren"]
    assert flow.source.processes == ("web", "worker") and flow.ports == (8080,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fscinway": {"publishes": {"openzaak": ["zakn"]}}}, "openzaak offers no API zakn"),
        ({"fscinway": {"publishes": {"openzak": ["zaken"]}}}, "openzak"),
        ({"fscoutway": {"used_by": ["openformulieren", "openform"]}}, "openform"),
    ],
)
def test_a_name_that_does_not_exist_is_told_with_its_place(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as error:
        fsc_landscape(tmp_path, settings)
    assert any(message in p.message and p.origin and "gm9998" in p.origin.file for p in error.value.problems)


def test_a_resultaattype_can_be_made_where_the_cluster_shows_the_way() -> None:
    """open-zaak 1.30.0, selectielijst/models.py and setup_configuration/steps/selectielijst.py."""
    assert inventory()
    for built in landscapes():
        if "openzaak" in built.order:
            reached = [f for f in built.flows if f.source.component == "openzaak" and f.target.edge == "selectielijst"]
            assert [f.source.processes for f in reached] == [("web",)]
