"""A real Keycloak on a real PostgreSQL, started as its pod is and configured by its Job."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from ggi.catalogue.tls import CIPHERS
from tests.real.keycloak import JOB, Server
from tests.real.keycloak_client import Address, Administrator, Client, Realm, RefusedError, claims
from tests.real.login_loop import LoginLoop
from tests.real.postgres import Database, database
from tests.real.programs import program
from tests.real.rendered import Rendered, rendered

FOLDER = "/etc/ggi/keycloak"
PASSWORD = "a long enough pass phrase"
DJANGO = ("openzaak", "opennotificaties", "openklant", "openobject", "openformulieren")
REDIRECTS = {"openformulieren": "/auth/oidc/callback/"}


@dataclass(frozen=True)
class Keycloak:
    """A running Keycloak with its realm."""

    server: Server
    database: Database
    realm: Realm
    landscape: Rendered

    def administrator(self, landscape: Rendered | None = None) -> Administrator:
        """The service account, with the secret that this rotation derives."""
        secret = (landscape or self.landscape).pod(JOB).files[f"{FOLDER}/admin/0"]
        return Administrator(self.realm.address, self.realm.name, "ggi-configure", secret)


def consumer(landscape: Rendered, name: str) -> Client:
    """What a component itself is told about its log-in: read at its own end of the relation."""
    pod = landscape.pod(f"{name}/Job/configure")
    document = yaml.safe_load(next(text for path, text in pod.files.items() if path.endswith("data.yaml")))
    item = document["oidc_db_config_admin_auth"]["items"][0]
    secret = pod.environment[item["oidc_rp_client_secret"]["value_from"]["env"]]
    path = REDIRECTS.get(name, "/oidc/callback/")
    return Client(item["oidc_rp_client_id"], secret, f"https://{landscape.built.hosts[name]}{path}")


def start(folder: Path, landscape: Rendered, postgresql: Database) -> Keycloak:
    """A Keycloak that is not running yet."""
    server = Server(folder, landscape, postgresql)
    matches = landscape.object("keycloak/HTTPRoute/main").body["spec"]["rules"][0]["matches"]
    paths = tuple(match["path"]["value"].rstrip("/") for match in matches)
    address = Address(server.port, landscape.built.hosts["keycloak"], server.authority.pem)
    return Keycloak(server, postgresql, Realm(address, landscape.built.stack, paths), landscape)


@pytest.fixture(scope="module")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    program("java", "default-jre-headless")
    with database(rendered()) as postgresql:
        made = start(tmp_path_factory.mktemp("keycloak"), rendered(), postgresql)
        with made.server.running():
            made.server.configure(rendered())
            made.administrator().user("beheerder", PASSWORD, "beheerders", actions=[])
            yield made


@pytest.fixture
def administrator(keycloak: Keycloak) -> Administrator:
    return keycloak.administrator()


def job_file(landscape: Rendered, path: str) -> Any:
    """A file of the Job, as JSON."""
    return json.loads(landscape.pod(JOB).files[f"{FOLDER}/{path}"])


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Where `found` lacks something of `wanted`; lists are compared as sets."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [line for key, value in wanted.items() for line in differences(value, found.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and all(isinstance(item, str) for item in wanted):
        return [] if sorted(wanted) == sorted(found) else [f"{path}: {found}, not {wanted}"]
    return [] if wanted == found else [f"{path}: {found}, not {wanted}"]


def test_health_and_metrics_are_on_the_management_port(keycloak: Keycloak) -> None:
    pages = ("/health/started", "/health/live", "/health/ready", "/metrics")
    assert [keycloak.server.status(page) for page in pages] == [200] * 4
    with pytest.raises(RefusedError, match="does not forward"):
        keycloak.realm.browser().request(f"https://{keycloak.realm.host}/metrics")


def test_it_speaks_tls_1_2_and_1_3_with_good_suites_for_its_own_name_and_nothing_else(keycloak: Keycloak) -> None:
    address = keycloak.realm.address

    def shake(low: ssl.TLSVersion, high: ssl.TLSVersion, suites: str = "", name: str = address.host) -> tuple[str, str]:
        context = ssl.create_default_context(cadata=address.authority)
        if suites:
            context.set_ciphers(suites)
        context.minimum_version, context.maximum_version = low, high
        with (
            socket.create_connection(("127.0.0.1", address.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as made,
        ):
            return str(made.version()), str((made.cipher() or ("",))[0])

    new, good, old = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_1
    assert shake(new, new)[0] == "TLSv1.3"
    version, suite = shake(good, good)
    assert version == "TLSv1.2" and suite in CIPHERS
    for refused in ((old, old, "ALL:@SECLEVEL=0"), (good, good, "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake(*refused)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(good, new, name="openzaak.rijnstad.test")
    plain = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
    plain.request("GET", f"/realms/{keycloak.realm.name}", headers={"Host": address.host})
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.getresponse()


def test_every_value_of_the_realm_arrives(keycloak: Keycloak, administrator: Administrator) -> None:
    assert differences(job_file(rendered(), "realm.json"), administrator.call("GET")) == []


def test_the_realm_master_is_as_guarded(keycloak: Keycloak, administrator: Administrator) -> None:
    assert differences(job_file(rendered(), "master.json"), administrator.call("GET", realm="master")) == []


@pytest.mark.parametrize("path", ["realms/master/account", "admin/master/console/", "admin/realms/master", ""])
def test_the_realm_master_cannot_be_reached_from_outside(keycloak: Keycloak, path: str) -> None:
    with pytest.raises(RefusedError, match="does not forward"):
        keycloak.realm.browser().request(f"https://{keycloak.realm.host}/{path}")


@pytest.mark.parametrize("name", DJANGO)
def test_a_person_logs_in_to_a_component(keycloak: Keycloak, name: str) -> None:
    """With the id and secret at the component's end; the server has those of its own end."""
    client = consumer(rendered(), name)
    tokens = keycloak.realm.log_in(client, "beheerder", PASSWORD)
    said = claims(tokens["id_token"])
    assert said["iss"] == f"https://{keycloak.realm.host}/realms/{rendered().built.stack}"
    assert (said["aud"], said["groups"], said["email"]) == (client.id, ["beheerders"], "beheerder@rijnstad.test")
    # What is left of the five minutes when the answer is written: a busy server takes a second or more.
    assert 240 < tokens["expires_in"] <= 300
    answer = keycloak.realm.inside("userinfo", Authorization=f"Bearer {tokens['access_token']}")
    assert (answer.status, answer.json["sub"]) == (200, said["sub"])


def test_a_wrong_secret_or_that_of_another_component_is_refused(keycloak: Keycloak) -> None:
    good, other = consumer(rendered(), "openzaak"), consumer(rendered(), "openklant")
    for secret in ("x", "", other.secret):
        with pytest.raises(RefusedError, match="401"):
            keycloak.realm.log_in(Client(good.id, secret, good.redirect), "beheerder", PASSWORD)


@pytest.mark.parametrize(
    "change",
    [
        lambda uri: uri + "x",
        lambda uri: uri + "?next=https://evil.test/",
        lambda uri: uri.replace("/oidc/callback/", "/"),
        lambda uri: uri.replace("https://", "http://"),
        lambda uri: uri.replace("https://openzaak.", "https://evil."),
        lambda uri: uri.replace("/oidc", "/x/../oidc"),
        lambda _: "*",
    ],
    ids=["longer", "with a query", "the root", "without TLS", "another host", "round about", "a wildcard"],
)
def test_the_browser_comes_back_to_the_exact_address_only(keycloak: Keycloak, change: Callable[[str], str]) -> None:
    client = consumer(rendered(), "openzaak")
    with pytest.raises(RefusedError, match="no log-in page"):
        keycloak.realm.log_in(Client(client.id, client.secret, change(client.redirect)), "beheerder", PASSWORD)


def test_no_client_has_a_wildcard(keycloak: Keycloak, administrator: Administrator) -> None:
    ours = [c for c in administrator.call("GET", "/clients") if str(c.get("description", "")).startswith("ggi:")]
    assert {c["clientId"] for c in ours} == {f"{name}-r1" for name in (*DJANGO, "fsccontroller")}
    for client in ours:
        addresses = client["redirectUris"] + client["attributes"]["post.logout.redirect.uris"].split("##")
        assert addresses and not [uri for uri in addresses if "*" in uri or uri == "+"]
        assert client["webOrigins"] == []


@pytest.mark.parametrize(
    "form",
    [{"grant_type": "client_credentials"}, {"grant_type": "password", "username": "beheerder", "password": PASSWORD}],
    ids=["client credentials", "password"],
)
def test_a_client_gets_no_token_without_a_browser(keycloak: Keycloak, form: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="unauthorized_client"):
        keycloak.realm.token(consumer(rendered(), "openzaak"), **form)


def test_no_token_comes_back_in_the_address(keycloak: Keycloak) -> None:
    client = consumer(rendered(), "openzaak")
    address = keycloak.realm.authorization(client.id, client.redirect, response_type="id_token token")
    assert "unauthorized_client" in keycloak.realm.browser().request(address).location


def test_a_refresh_token_works_once(keycloak: Keycloak) -> None:
    client = consumer(rendered(), "openzaak")
    old = keycloak.realm.log_in(client, "beheerder", PASSWORD)["refresh_token"]
    new = keycloak.realm.token(client, grant_type="refresh_token", refresh_token=old)["refresh_token"]
    for token in (old, new):  # using a token twice ends the session, for whoever has the other one as well
        with pytest.raises(RefusedError, match="invalid_grant"):
            keycloak.realm.token(client, grant_type="refresh_token", refresh_token=token)


def test_wrong_passwords_lock_a_person_out(keycloak: Keycloak, administrator: Administrator) -> None:
    person = administrator.user("slordig", PASSWORD, actions=[])
    client = consumer(rendered(), "openzaak")
    for _ in range(5):
        with pytest.raises(RefusedError):
            keycloak.realm.log_in(client, "slordig", "wrong")
    assert administrator.call("GET", f"/attack-detection/brute-force/users/{person}")["disabled"]
    with pytest.raises(RefusedError, match="no code"):
        keycloak.realm.log_in(client, "slordig", PASSWORD)


def test_a_new_person_must_set_up_a_second_factor(keycloak: Keycloak, administrator: Administrator) -> None:
    administrator.user("nieuw", PASSWORD)
    client = consumer(rendered(), "openzaak")
    browser = keycloak.realm.browser()
    answer = browser.sign_in(keycloak.realm.authorization(client.id, client.redirect), "nieuw", PASSWORD)
    assert parse_qs(urlsplit(answer.location).query)["execution"] == ["CONFIGURE_TOTP"]


def test_a_short_password_is_refused(keycloak: Keycloak, administrator: Administrator) -> None:
    with pytest.raises(RefusedError, match="invalidPasswordMinLength"):
        administrator.user("kort", "kort")


def test_nobody_registers_himself(keycloak: Keycloak) -> None:
    client = consumer(rendered(), "openzaak")
    page = keycloak.realm.browser().request(keycloak.realm.authorization(client.id, client.redirect))
    assert "kc-form-login" in page.body and "registration" not in page.body


def test_the_job_restores_what_somebody_changed_by_hand(keycloak: Keycloak, administrator: Administrator) -> None:
    client = administrator.client("openzaak-r1")
    assert client is not None
    loose = {**client, "redirectUris": ["https://openzaak.rijnstad.test/*"], "secret": "x", "fullScopeAllowed": True}
    administrator.call("PUT", f"/clients/{client['id']}", {**loose, "directAccessGrantsEnabled": True})
    administrator.call("PUT", "", {"realm": keycloak.realm.name, "bruteForceProtected": False, "sslRequired": "none"})
    administrator.call("PUT", "/authentication/required-actions/CONFIGURE_TOTP", {"alias": "CONFIGURE_TOTP"})
    group = administrator.call("GET", "/groups?search=beheerders&exact=true")[0]
    own = {"clientId": "van-de-gemeente", "description": "Made by functional management", "redirectUris": []}
    administrator.call("POST", "/clients", own)
    administrator.call("POST", "/clients", {"clientId": "openzaak-r0", "description": "ggi: openzaak"})

    keycloak.server.configure(rendered())

    assert differences(job_file(rendered(), "realm.json"), administrator.call("GET")) == []
    wanted = job_file(rendered(), "clients/openzaak-r1.json")
    wanted.pop("protocolMappers")
    assert differences(wanted, administrator.client("openzaak-r1")) == []
    action = administrator.call("GET", "/authentication/required-actions/CONFIGURE_TOTP")
    assert (action["enabled"], action["defaultAction"]) == (True, True)
    assert administrator.call("GET", "/groups?search=beheerders&exact=true")[0]["id"] == group["id"]
    assert administrator.client("van-de-gemeente") is not None
    assert administrator.client("openzaak-r0") is None
    assert keycloak.realm.log_in(consumer(rendered(), "openzaak"), "beheerder", PASSWORD)["id_token"]


def test_two_pods_share_log_ins(keycloak: Keycloak, tmp_path: Path) -> None:
    """The page comes from one pod and the answer goes to the other, as happens behind a Service."""
    second = Server(tmp_path, rendered(), keycloak.database)
    with second.running():
        here = keycloak.realm
        address = Address(second.port, here.host, second.authority.pem)
        there = Realm(address, here.name, here.public_paths)
        client = consumer(rendered(), "openzaak")
        browser = here.browser()
        page = browser.open_log_in(here.authorization(client.id, client.redirect))
        browser.address = there.address
        answer = browser.fill_in(page, "beheerder", PASSWORD)
        code = parse_qs(urlsplit(answer.location).query)["code"][0]
        tokens = here.token(client, grant_type="authorization_code", code=code, redirect_uri=client.redirect)
        assert there.inside("userinfo", Authorization=f"Bearer {tokens['access_token']}").status == 200
    assert "(2)" in "".join(line for line in second.log.read_text().splitlines() if "ISPN000094" in line)


def _log_in(keycloak: Keycloak, landscape: Rendered, people: Iterator[str]) -> Callable[[], None]:
    client = consumer(landscape, "openzaak")

    def log_in() -> None:
        tokens = keycloak.realm.log_in(client, next(people), PASSWORD)
        assert claims(tokens["id_token"])["groups"] == ["beheerders"]

    return log_in


def test_a_rotation_refuses_nobody_and_ends_the_old_secrets(keycloak: Keycloak) -> None:
    """Last of this file: it leaves the realm at the second counter."""
    before, both, after = rendered(1), rendered(2, (1,)), rendered(2)
    # Several people: the protection against guessing refuses two log-ins of one person within milliseconds.
    names = [f"beheerder{number}" for number in range(8)]
    for name in names:
        keycloak.administrator().user(name, PASSWORD, "beheerders", actions=[])
    people = itertools.cycle(names)
    with LoginLoop(_log_in(keycloak, before, people)) as loop:
        assert "rotated the secret of the service account" in keycloak.server.configure(both)
        loop.more(5)
        loop.use(_log_in(keycloak, both, people))
        loop.more(5)
        keycloak.server.configure(after)
        loop.more(5)
    assert loop.failures == []
    with pytest.raises(RefusedError, match="no log-in page"):
        keycloak.realm.log_in(consumer(before, "openzaak"), "beheerder", PASSWORD)
    with pytest.raises(RefusedError, match="401"):
        keycloak.administrator(before).call("GET")
    assert keycloak.administrator(after).client("openzaak-r2") is not None
