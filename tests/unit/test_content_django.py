"""The Django components by Maykin: what their two ends, their pods and their documents must agree on."""

from __future__ import annotations

import importlib
import os
import runpy
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ggi.catalogue.component import service_name
from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.catalogue.relation import Auth
from ggi.errors import InputError
from ggi.landscape.build import Landscape
from ggi.paths import ROOT
from tests.example import drawn

CATALOGUE = load_catalogue()
SETUP: Any = importlib.import_module("ggi_content.blocks.setup")
COMPONENTS = ("openzaak", "opennotificaties", "openklant", "openobject", "openformulieren")
RSIN = "111222333"
REGISTRATION = {"organisation_rsin": RSIN, "catalogue_domain": "ALG", "catalogue_rsin": RSIN}
each = pytest.mark.parametrize("component", COMPONENTS)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.fixture(scope="module")
def made(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Landscape:
    return drawn(catalogue, tmp_path_factory.mktemp("inventory"))


def _data(made: Landscape, name: str) -> dict[str, str]:
    return next(dict(o.body["data"]) for o in made.objects if o.name == name)


def _environment(made: Landscape, component: str) -> dict[str, str]:
    return _data(made, f"{component}/ConfigMap/env")


def _document(made: Landscape, component: str) -> Any:
    return yaml.safe_load(_data(made, f"{component}/ConfigMap/setup")["data.yaml"])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"value_from"}:
            yield value["value_from"]["env"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


@each
def test_a_component_accepts_every_name_that_it_is_called_by(made: Landscape, component: str) -> None:
    allowed = _environment(made, component)["ALLOWED_HOSTS"].split(",")
    called = {r.host for r in made.relations if r.provider == component}
    probed = {
        service_name(component, p.name)
        for p in made.components[component].component.processes
        for probe in (p.startup, p.liveness, p.readiness)
        if probe is not None and probe.path
    }
    assert called | probed | {made.hosts[component]} <= set(allowed)
    assert "*" not in allowed


@each
def test_a_document_reads_exactly_the_variables_that_its_secret_has(made: Landscape, component: str) -> None:
    secret = next(o for o in made.objects if o.name == f"{component}/Secret/setup")
    assert set(_references(_document(made, component))) == set(secret.secrets)


@each
def test_only_the_configuration_job_reads_the_secrets_of_the_document(made: Landscape, component: str) -> None:
    secret = next(o for o in made.objects if o.name == f"{component}/Secret/setup").kube_name
    readers = [o.name for o in made.objects if o.kind != "Secret" and secret in str(o.body)]
    assert readers == [f"{component}/Job/configure"]


@each
def test_every_address_in_a_document_comes_from_a_relation(made: Landscape, component: str) -> None:
    known = {r.url(a.name) for r in made.relations if r.consumer == component for a in r.apis}
    services = _document(made, component)["zgw_consumers"]["services"]
    national = {"https://selectielijst.openzaak.nl/api/v1/"} if component == "openzaak" else set()
    assert {s["api_root"] for s in services} == {u for u in known if "/api/" in u} | national
    assert all(s["api_root"].endswith("/") for s in services)
    assert len({s["identifier"] for s in services}) == len(services)


@each
def test_there_are_as_many_trusted_proxies_as_hops_before_the_component(made: Landscape, component: str) -> None:
    """The gateway, and the nginx of the pod."""
    assert [c.name for c in made.components[component].component.process("web").beside] == ["nginx"]
    assert _environment(made, component)["NUM_PROXIES"] == "2"


@each
def test_no_address_with_a_password_is_in_a_config_map(made: Landscape, component: str) -> None:
    environment = _environment(made, component)
    assert "DB_PASSWORD" not in environment
    assert not [key for key in environment if key.startswith(("CACHE_", "CELERY_BROKER", "CELERY_RESULT"))]
    secret = next(o for o in made.objects if o.name == f"{component}/Secret/env")
    assert {"SECRET_KEY", "DB_PASSWORD", "CACHE_DEFAULT", "CACHE_AXES"} <= set(secret.secrets)
    assert (
        secret.secrets.get("CELERY_BROKER_URL", secret.secrets["CELERY_RESULT_BACKEND"])
        == (secret.secrets["CELERY_RESULT_BACKEND"])
    )


@pytest.mark.parametrize("component", ["openzaak", "openformulieren"])
def test_nginx_hands_out_private_files_from_where_the_web_pods_write_them(made: Landscape, component: str) -> None:
    (text,) = _data(made, f"{component}/ConfigMap/nginx-files").values()
    mounts = {}
    deployment = next(o for o in made.objects if o.name == f"{component}/Deployment/web")
    for container in deployment.body["spec"]["template"]["spec"]["containers"]:
        mounts[container["name"]] = {m["name"]: m for m in container["volumeMounts"]}["private-media"]
    path = mounts["web"]["mountPath"]
    assert mounts["nginx"] == {"name": "private-media", "mountPath": path, "readOnly": True}
    assert f"location /private-media/ {{ internal; alias {path}/; }}" in text


def test_tokens_fit_into_forty_characters(made: Landscape) -> None:
    tokens = [c.secret.size for r in made.relations if r.auth is Auth.TOKEN for c in r.accepted]
    assert tokens
    assert all(-(-size * 8 // 6) <= 40 for size in tokens)


def test_every_channel_of_a_publisher_exists_at_open_notificaties(made: Landscape) -> None:
    items = _document(made, "opennotificaties")["notifications_kanalen_config"]["items"]
    assert {"autorisaties", "zaken", "partijen", "objecten"} <= {item["naam"] for item in items}
    published = {
        name: list(filters)
        for r in made.relations
        if r.provider == "opennotificaties"
        for name, filters in r.parameters.get("channels", {}).items()
    }
    assert {item["naam"]: item["filters"] for item in items} == published


def test_rotation_gives_a_provider_both_credentials_and_a_consumer_the_new_one(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    made = drawn(catalogue, tmp_path, rotation={"current": 3, "accept": [2]})
    items = _document(made, "openzaak")["vng_api_common_credentials"]["items"]
    assert {"openformulieren-r3", "openformulieren-r2"} <= {item["identifier"] for item in items}
    services = _document(made, "openformulieren")["zgw_consumers"]["services"]
    assert {s["client_id"] for s in services if s["auth_type"] == "zgw"} == {"openformulieren-r3"}
    applications = _document(made, "openzaak")["vng_api_common_applicaties"]["items"]
    mine = next(a for a in applications if a["label"] == "Open Formulieren")
    assert mine["client_ids"] == ["openformulieren-r3", "openformulieren-r2"]


def test_a_component_without_its_optional_neighbours_still_has_a_document_with_a_step(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    off = {name: {"enabled": False} for name in ("openzaak", "opennotificaties", "openformulieren", "keycloak")}
    made = drawn(catalogue, tmp_path, components=off)
    for component in ("openklant", "openobject"):
        document = _document(made, component)
        assert [key for key in document if key.endswith("_enable")]
        assert "notifications_config" not in document
        assert _environment(made, component)["NOTIFICATIONS_DISABLED"] == "True"


def test_registration_waits_for_what_only_functional_management_can_decide(
    catalogue: Catalogue, made: Landscape, tmp_path: Path
) -> None:
    def missing(of: Landscape) -> set[str]:
        return {i.id for i in of.open_inputs}

    assert not {"zgw_api", "objects_api"} & set(_document(made, "openformulieren"))
    assert "openformulieren.registratie" in missing(made)
    decided = drawn(catalogue, tmp_path, components={"openformulieren": {"registration": REGISTRATION}})
    document = _document(decided, "openformulieren")
    assert document["zgw_api"]["groups"][0]["organisatie_rsin"] == RSIN
    # An absent choice is left out, so that the application's own default holds.
    assert "zaak_vertrouwelijkheidaanduiding" not in document["zgw_api"]["groups"][0]
    assert "openformulieren.registratie" not in missing(decided)


@pytest.mark.parametrize("wrong", ["111222334", "12345678", "11122233A", ""])
def test_an_rsin_that_fails_the_eleven_test_is_refused(catalogue: Catalogue, wrong: str, tmp_path: Path) -> None:
    registration = REGISTRATION | {"organisation_rsin": wrong}
    with pytest.raises(InputError, match="RSIN"):
        drawn(catalogue, tmp_path, components={"openformulieren": {"registration": registration}})


def test_forms_embedded_elsewhere_get_cookies_that_work_there(
    catalogue: Catalogue, made: Landscape, tmp_path: Path
) -> None:
    assert _environment(made, "openformulieren")["SESSION_COOKIE_SAMESITE"] == "Lax"
    made = drawn(catalogue, tmp_path, components={"openformulieren": {"embedded_on": ["www.voorbeeld.test"]}})
    environment = _environment(made, "openformulieren")
    assert environment["SESSION_COOKIE_SAMESITE"] == "None"
    assert "https://www.voorbeeld.test" in environment["CORS_ALLOWED_ORIGINS"].split(",")


@given(st.lists(st.text(), min_size=1))
def test_a_chosen_uuid_is_of_version_four_and_always_the_same(words: list[str]) -> None:
    chosen = SETUP.stable_uuid(*words)
    assert uuid.UUID(chosen).version == 4
    assert SETUP.stable_uuid(*words) == chosen


def test_the_uuid_of_an_application_never_changes(made: Landscape) -> None:
    # A changed one would make a second application beside the first.
    items = _document(made, "openzaak")["vng_api_common_applicaties"]["items"]
    found = {item["label"]: item["uuid"] for item in items}
    assert found["Open Formulieren"] == "91ee7c35-d874-423d-8884-4be7a5c1f5c3"
    assert len(set(found.values())) == len(found)


def test_the_settings_speak_tls_to_redis_and_trust_the_platform_besides_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the images write: `redis://` before an address that says how its certificate is verified."""
    (tmp_path / "theirs.py").write_text(
        "CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://u:p@h:6379/1?x=y'},"
        " 'solo': {'BACKEND': 'theirs.cache.Proxy', 'LOCATION': 'default'}}\nDEBUG = False\n"
    )
    (tmp_path / "ca.crt").write_text("the authority of the namespace")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("GGI_SETTINGS_MODULE", "theirs")
    monkeypatch.setenv("GGI_AUTHORITIES", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")
    made = runpy.run_path(str(ROOT / "stacks" / "components" / "_settings.py"))
    assert made["CACHES"]["default"]["LOCATION"] == "rediss://u:p@h:6379/1?x=y"
    assert made["CACHES"]["solo"]["LOCATION"] == "default" and made["DEBUG"] is False
    bundle = Path(os.environ["REQUESTS_CA_BUNDLE"]).read_text(encoding="utf-8")
    assert "the authority of the namespace" in bundle and "BEGIN CERTIFICATE" in bundle
