"""The rendered set-up documents are executed for real, and both ends of every relation then fit by use.

Each component gets a database; its document runs through django-setup-configuration with the step libraries that the
component itself uses. A request is then built from the consumer's database, and judged by the provider's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.catalogue.relation import Auth, Relation
from ggi.engine.secrets import SecretResolver
from ggi.landscape.build import Landscape
from ggi.paths import ROOT
from tests.example import drawn
from tests.real import plain_postgres

PROJECT = ROOT / "sandbox" / "node" / "images" / "component" / "src"
SIDE = Path(__file__).with_name("component_side.py")
PACKAGES = {
    "openzaak": "openzaak",
    "opennotificaties": "nrc",
    "openklant": "openklant",
    "openobject": "objects",
    "openformulieren": "openforms",
}
"""The package in each image that has the settings."""


def environment(server: plain_postgres.Server, component: str, name: str) -> dict[str, str]:
    """The variables with which the project runs as a component, with a database of its own."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "DJANGO_SETTINGS_MODULE": f"{PACKAGES[component]}.conf.docker",
        "SECRET_KEY": "only for tests",
        "ALLOWED_HOSTS": "*",
        "DB_HOST": str(server.socket),
        "DB_USER": plain_postgres.USER,
        "DB_NAME": name,
        "SITE_DOMAIN": f"{component}.test",
    }


SETUP_PATH = "/app/setup_configuration/data.yaml"
COMPONENTS = tuple(PACKAGES)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
OBJECTTYPE = "366c9b88-a870-438c-b0ec-a121cd51f1dd"
CHOICES: dict[str, Any] = {
    "components": {
        "openzaak": {"all_rights": ["openformulieren"]},
        "openobject": {
            "objecttypes": [
                {"uuid": OBJECTTYPE, "name": "Productaanvraag", "rights": {"openformulieren": "read_and_write"}}
            ]
        },
        "openformulieren": {
            "registration": {
                "organisation_rsin": "111222333",
                "catalogue_domain": "ALG",
                "catalogue_rsin": "111222333",
                "case_confidentiality": "zaakvertrouwelijk",
            }
        },
    }
}
"""What functional management of the example has decided, so that every step runs."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[plain_postgres.Server]:
    with plain_postgres.server() as made:
        yield made


class Side:
    """One component's Django project with its database, asked over a pipe (`component_side.py`)."""

    def __init__(self, server: plain_postgres.Server, component: str, name: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, str(SIDE)],
            env=environment(server, component, name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def ask(self, *question: Any) -> Any:
        """The answer to one question."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if line := self._process.stdout.readline():
            return json.loads(line)
        self._errors.seek(0)
        raise AssertionError(self._errors.read())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(20)


@dataclass
class Installed:
    """The components of one landscape, each configured in a database of its own."""

    landscape: Landscape
    sides: dict[str, Side]
    folder: Path
    key: bytes = KEY
    output: dict[str, str] = field(default_factory=dict)

    def document(self, component: str) -> Any:
        """The document as the ConfigMap has it."""
        return yaml.safe_load(self._data(component, "setup")["data.yaml"])

    def _data(self, component: str, role: str) -> dict[str, str]:
        name = f"{component}/ConfigMap/{role}"
        return dict(next(o.body["data"] for o in self.landscape.objects if o.name == name))

    def configure(self, component: str, document: Any = None) -> Any:
        """Configure one component with what its Job gets; returns the answer."""
        resolver = SecretResolver(self.key, self.landscape.stack)
        variables = {
            key: resolver.text(value)
            for item in self.landscape.of(component)
            if item.name.endswith("/Secret/setup")
            for key, value in item.secrets.items()
        }
        path = self.folder / f"{component}.yaml"
        path.write_text(yaml.safe_dump(document) if document else self._data(component, "setup")["data.yaml"])
        (script,) = (v for k, v in self._data(component, "configure-files").items() if k.endswith("retire.py"))
        assert SETUP_PATH in script
        return self.sides[component].ask("configure", str(path), variables, script.replace(SETUP_PATH, str(path)))

    def configure_all(self) -> Installed:
        for component in self.sides:
            answer = self.configure(component)
            assert "output" in answer, answer
            self.output[component] = answer["output"]
        return self

    def ask(self, component: str, *question: Any) -> Any:
        """The answer of the component's side; see `component_side.py`."""
        return self.sides[component].ask(*question)

    def sent(self, relation: Relation, api: str) -> str:
        """The Authorization header with which the consumer calls this API, at the address that it has."""
        known = {i["api_root"]: i["identifier"] for i in self.document(relation.consumer)["zgw_consumers"]["services"]}
        answer = self.ask(relation.consumer, "send", known[relation.url(api)])
        assert answer["url"] == relation.url(api)
        return str(answer["authorization"])

    def relations(self, auth: Auth) -> list[Relation]:
        """The relations of one kind; there must be some."""
        found = [r for r in self.landscape.relations if r.auth is auth]
        assert found
        return found


Install = Callable[..., Installed]


@pytest.fixture(scope="module")
def install(postgresql: plain_postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """Makes databases for components, as copies of one with the tables of all libraries, and configures them."""
    postgresql.execute("CREATE DATABASE template_django")
    migrate = [sys.executable, str(PROJECT / "manage.py"), "migrate", "--skip-checks", "--verbosity=0"]
    subprocess.run(migrate, env=environment(postgresql, "openzaak", "template_django"), check=True)
    with ExitStack() as opened:

        def made(drawn: Landscape, label: str, components: Sequence[str] = COMPONENTS, key: bytes = KEY) -> Installed:
            sides = {}
            for component in components:
                name = f"{label}_{component}"
                postgresql.execute(f"CREATE DATABASE {name} TEMPLATE template_django")
                sides[component] = Side(postgresql, component, name)
                opened.callback(sides[component].close)
            return Installed(drawn, sides, tmp_path_factory.mktemp(label), key).configure_all()

        yield made


@pytest.fixture(scope="module")
def installed(install: Install, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(drawn(catalogue, tmp_path_factory.mktemp("inventory"), **CHOICES), "main")


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_step_that_a_document_switches_on_was_executed(installed: Installed, component: str) -> None:
    document = installed.document(component)
    flags = [key for key in document if key.endswith("_enable")]
    assert flags
    assert installed.output[component].count("[enabled]") == len(flags)
    assert all(document[flag] is True for flag in flags)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_second_run_of_the_same_document_succeeds_and_withdraws_nothing(installed: Installed, component: str) -> None:
    assert "withdrawn" not in installed.configure(component)["output"]


@pytest.mark.parametrize("namespace", ["zgw_consumers", "oidc_db_config_admin_auth", "vng_api_common_credentials"])
def test_a_document_with_an_unknown_key_in_a_namespace_is_refused(installed: Installed, namespace: str) -> None:
    document = installed.document("openzaak")
    document[namespace]["unknown"] = 1
    assert installed.configure("openzaak", document) == {"error": "Failed to validate requirements for 1 steps"}


def test_the_provider_accepts_the_signature_of_each_consumer(installed: Installed) -> None:
    for relation in installed.relations(Auth.JWT):
        for api in relation.apis:
            answer = installed.ask(relation.provider, "accept_jwt", installed.sent(relation, api.name))
            assert relation.credential
            assert answer == {"client_id": relation.credential.client_id}, relation.id


def test_the_provider_accepts_the_token_of_each_consumer(installed: Installed) -> None:
    for relation in installed.relations(Auth.TOKEN):
        for api in relation.apis:
            answer = installed.ask(relation.provider, "accept_token", installed.sent(relation, api.name))
            assert relation.credential
            assert answer["client_id"] == relation.credential.client_id, relation.id
            if relation.provider == "openobject":
                assert answer["rights"] == {"Productaanvraag": "read_and_write"}


def test_a_consumer_with_another_secret_is_refused(install: Install, installed: Installed) -> None:
    stranger = install(installed.landscape, "stranger", ["openformulieren"], OTHER_KEY)
    mine = [r for r in installed.landscape.relations if r.consumer == "openformulieren"]
    for relation in mine:
        if relation.auth in (Auth.JWT, Auth.TOKEN):
            sent = stranger.sent(relation, relation.apis[0].name)
            question = "accept_jwt" if relation.auth is Auth.JWT else "accept_token"
            refused = installed.ask(relation.provider, question, sent)["refused"]
            assert refused == {"accept_jwt": "invalid-jwt-signature", "accept_token": "invalid token"}[question]


def test_the_secret_of_one_relation_opens_no_other(installed: Installed) -> None:
    header = installed.ask("opennotificaties", "send", "autorisaties-api")["authorization"]
    assert installed.ask("openzaak", "accept_jwt", header) == {"client_id": "opennotificaties-r1"}
    # The same client id, but Open Notificaties knows another secret by it.
    assert installed.ask("opennotificaties", "accept_jwt", header) == {"refused": "invalid-jwt-signature"}


def test_every_publisher_has_an_application_with_the_rights_to_publish(installed: Installed) -> None:
    publishers = [r for r in installed.relations(Auth.JWT) if r.provider == "opennotificaties"]
    assert {"openzaak", "openklant", "openobject", "opennotificaties"} == {r.consumer for r in publishers}
    for relation in publishers:
        assert relation.credential
        answer = installed.ask("openzaak", "rights", relation.credential.client_id)
        assert answer == [[relation.consumer_title, True]]


def test_a_consumer_of_cases_has_no_rights_until_they_are_granted(
    install: Install, catalogue: Catalogue, tmp_path: Path
) -> None:
    plain = install(drawn(catalogue, tmp_path), "plain", ["openzaak"])
    assert plain.ask("openzaak", "rights", "openformulieren-r1") == [["Open Formulieren", False]]


def test_all_rights_can_be_given_in_the_inventory(installed: Installed) -> None:
    assert installed.ask("openzaak", "rights", "openformulieren-r1") == [["Open Formulieren", True]]


def test_open_notificaties_delivers_to_itself(installed: Installed) -> None:
    (delivery,) = installed.ask("opennotificaties", "deliver")
    itself = next(r for r in installed.landscape.relations if r.consumer == r.provider)
    assert delivery["url"] == itself.url("notificaties") + "callbacks"
    answer = installed.ask("opennotificaties", "accept_jwt", delivery["authorization"])
    assert answer == {"client_id": "opennotificaties-r1"}


def test_administrators_log_in_with_the_client_and_secret_that_keycloak_gets(installed: Installed) -> None:
    resolver = SecretResolver(KEY, installed.landscape.stack)
    keycloak = {k: resolver.text(v) for o in installed.landscape.of("keycloak") for k, v in o.secrets.items()}
    for relation in installed.relations(Auth.OIDC):
        if relation.consumer not in COMPONENTS:
            continue
        client = installed.ask(relation.consumer, "oidc")
        (secret,) = (v for k, v in keycloak.items() if k.endswith(f"_secrets_{client['client_id']}"))
        assert client["secret"] == secret
        assert client["authorization"].startswith(f"https://{installed.landscape.hosts['keycloak']}/")
        assert client["token"].startswith(relation.url())


def test_rotation_keeps_the_old_credential_until_it_is_dropped(
    install: Install, installed: Installed, catalogue: Catalogue, tmp_path: Path
) -> None:
    now = install(installed.landscape, "rotating", ["openzaak", "openklant", "openformulieren"])

    def sent() -> tuple[Any, Any]:
        services = ("zaken-api", "klantinteracties-api")
        jwt, token = (now.ask("openformulieren", "send", s)["authorization"] for s in services)
        return jwt, token

    def answers(jwt: str, token: str) -> list[str]:
        found = (now.ask("openzaak", "accept_jwt", jwt), now.ask("openklant", "accept_token", token))
        return [answer.get("refused") or answer["client_id"] for answer in found]

    def rotate(label: str, **rotation: Any) -> Installed:
        return replace(now, landscape=drawn(catalogue, tmp_path / label, rotation=rotation, **CHOICES)).configure_all()

    old = sent()
    now = rotate("both", current=2, accept=[1])
    new = sent()
    assert answers(*old) == ["openformulieren-r1", "openformulieren-r1"]
    assert answers(*new) == ["openformulieren-r2", "openformulieren-r2"]
    now = rotate("dropped", current=2)
    assert answers(*old) == ["invalid-client-identifier", "invalid token"]
    assert answers(*new) == ["openformulieren-r2", "openformulieren-r2"]
