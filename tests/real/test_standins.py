"""The stand-ins of the real node do what the components do, as far as others need it: run here with what is rendered.

What they serve and read is compared with the sources of the components; run on a new version of one, look there again.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import yaml

from ggi.catalogue.content import load_catalogue
from ggi.catalogue.relation import Auth, Relation
from ggi.engine.secrets import SecretResolver
from ggi.paths import ROOT
from sandbox.node import images
from tests.example import drawn
from tests.real.pods import OnNetwork, Pods, by_name, pods
from tests.real.postgres import PACKAGES
from tests.real.programs import program
from tests.real.rendered import ROOT_KEY, Rendered
from tests.real.test_setup_configuration import CHOICES, OBJECTTYPE

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # probes, which check no certificate
COMPONENTS = ("openzaak", "opennotificaties", "openklant", "openobject", "openformulieren")
RECIPES = {r.name: r for r in images.RECIPES if r.name in ("component", "redis", "nginx")}
FOLDER = images.FOLDER / "component"
CRS = {"Accept-Crs": "EPSG:4326", "Content-Crs": "EPSG:4326"}
CASE = {"bronorganisatie": "111222333", "zaaktype": "https://catalogi.test/zaaktypen/1"}
SENT_WITHIN = 90
"""Beat starts the deliveries every 20 seconds (nrc/conf/includes/base.py, NOTIFICATION_SEC_INTERVAL)."""


class Landscape(Rendered):
    """The example, with what functional management of it has decided, so that every step runs."""

    def __init__(self, folder: Path) -> None:
        self.built = drawn(load_catalogue(), folder, **CHOICES)
        self.resolver = SecretResolver(ROOT_KEY, self.built.stack)
        self._by_kube_name = {(o.kind, o.kube_name): o for o in self.built.objects}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """The Django components with all their processes, configured by their Jobs; Redis and PostgreSQL."""
    landscape = Landscape(tmp_path_factory.mktemp("inventory"))
    with contextlib.ExitStack() as opened:
        # Not in pytest's own, which no other user may enter.
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="ggi-pods-")))
        folder.chmod(0o755)
        made = opened.enter_context(pods(landscape, folder, RECIPES))
        program("postgres", *PACKAGES)
        made.start("redis/StatefulSet/server")
        (folder / "postgresql-server").mkdir(mode=0o755)
        made.database = database = OnNetwork(folder / "postgresql-server", landscape)
        database.prepare()
        database.open_to(made.gateway())
        opened.enter_context(database.running())
        made.serve_host("postgresql-rw", made.gateway())
        made.ready("redis/StatefulSet/server")
        for component in COMPONENTS:
            made.job(f"{component}/Job/migrate")
            made.job(f"{component}/Job/configure")
        names = [o.name for c in COMPONENTS for o in landscape.built.of(c) if o.kind == "Deployment"]
        for name in names:
            host = landscape.built.hosts[name.partition("/")[0]]
            made.start(name, *((host,) if name.endswith("/web") else ()))
        made.ready(*names)
        opened.enter_context(by_name(made))
        yield made


def relation(found: Pods, consumer: str, provider: str) -> Relation:
    """The one relation between two components."""
    return next(
        r
        for r in found.landscape.built.relations
        if (r.consumer, r.provider) == (consumer, provider) and r.auth in (Auth.JWT, Auth.TOKEN)
    )


def bearer(client: str, secret: str) -> dict[str, str]:
    """The header of a ZGW caller."""
    token = jwt.encode({"iss": client, "client_id": client, "iat": int(time.time()) - 5}, secret, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def shown(found: Pods, consumer: str, provider: str) -> dict[str, str]:
    """What a consumer shows to a provider."""
    credential = relation(found, consumer, provider).credential
    assert credential
    secret = found.landscape.resolver.value(credential.secret)
    if relation(found, consumer, provider).auth is Auth.TOKEN:
        return {"Authorization": f"Token {secret}"}
    return bearer(credential.client_id, secret)


def ask(found: Pods, method: str, address: str, **more: Any) -> requests.Response:
    """One request by name, as other components make it."""
    return requests.request(method, address, timeout=20, verify=str(found.ca), **more)


def counts(found: Pods, component: str) -> dict[str, int]:
    """What a stand-in has kept, sent, delivered and received."""
    address = f"http://{found.addresses[f'{component}-web']}:8000/standin/counts"
    answer = requests.get(address, timeout=20, headers={"Host": f"{component}-web"})
    assert answer.headers["X-GGI-Stand-In"]
    return dict(answer.json())


def until(check: Any, what: str) -> None:
    """Wait until `check` gives something true."""
    end = time.monotonic() + SENT_WITHIN
    while not check():
        assert time.monotonic() < end, what
        time.sleep(2)


def test_every_component_is_configured_and_every_probe_answers(running: Pods) -> None:
    # The fixture has run the Jobs, and waited for the probes; it fails with what they printed.
    assert {f"{c}-web" for c in COMPONENTS} <= set(running.addresses)


def test_a_case_becomes_a_notification_that_a_subscriber_receives(running: Pods) -> None:
    cases = relation(running, "openformulieren", "openzaak").url("zaken")
    notifications = relation(running, "opennotificaties", "opennotificaties").url("notificaties")
    own = shown(running, "opennotificaties", "opennotificaties")
    subscription = {
        "callbackUrl": f"{notifications}callbacks?for=zaken",
        "auth": own["Authorization"],
        "kanalen": [{"naam": "zaken", "filters": {"bronorganisatie": CASE["bronorganisatie"]}}],
    }
    answer = ask(running, "POST", f"{notifications}abonnement", json=subscription, headers=own)
    assert answer.status_code == 201, answer.text
    before = counts(running, "opennotificaties")
    caller = shown(running, "openformulieren", "openzaak") | CRS
    for _ in range(3):
        answer = ask(running, "POST", f"{cases}zaken", json=CASE, headers=caller)
        assert answer.status_code == 201, answer.text
    assert ask(running, "GET", answer.json()["url"], headers=caller).json()["bronorganisatie"] == "111222333"
    until(lambda: counts(running, "opennotificaties")["received"] >= before["received"] + 3, "nothing arrived")
    after = counts(running, "opennotificaties")
    assert {k: after[k] - before[k] for k in ("accepted", "delivered", "received", "due")} == {
        "accepted": 3,
        "delivered": 3,
        "received": 3,
        "due": 0,
    }
    assert counts(running, "openzaak")["sent"] >= 3
    assert counts(running, "openzaak")["failed"] == 0


def test_objects_and_parties_are_published_as_well(running: Pods) -> None:
    before = counts(running, "opennotificaties")["accepted"]
    objects = relation(running, "openformulieren", "openobject").url("objecten")
    body = {"type": f"{objects}objecttypes/{OBJECTTYPE}", "record": {"data": {}}}
    answer = ask(
        running, "POST", f"{objects}objects", json=body, headers=shown(running, "openformulieren", "openobject") | CRS
    )
    assert answer.status_code == 201, answer.text
    parties = relation(running, "openformulieren", "openklant").url("klantinteracties")
    answer = ask(
        running,
        "POST",
        f"{parties}partijen",
        json={"soortPartij": "persoon"},
        headers=shown(running, "openformulieren", "openklant"),
    )
    assert answer.status_code == 201, answer.text
    until(lambda: counts(running, "opennotificaties")["accepted"] >= before + 2, "nothing was published")


def test_a_wrong_secret_is_refused(running: Pods) -> None:
    cases = relation(running, "openformulieren", "openzaak").url("zaken")
    wrong = bearer("openformulieren-r1", "x" * 43) | CRS
    answer = ask(running, "POST", f"{cases}zaken", json=CASE, headers=wrong)
    assert (answer.status_code, answer.json()["code"]) == (403, "invalid-jwt-signature")
    assert ask(running, "GET", f"{cases}zaken", headers=CRS).status_code == 403
    objects = relation(running, "openformulieren", "openobject").url("objecten")
    answer = ask(running, "GET", f"{objects}objects", headers={"Authorization": "Token x"} | CRS)
    assert answer.status_code == 401


def test_a_notification_of_somebody_without_an_application_is_refused(running: Pods) -> None:
    # Open Notificaties asks Open Zaak; the client id of Open Formulieren is not even known here.
    notifications = relation(running, "opennotificaties", "opennotificaties").url("notificaties")
    stranger = shown(running, "openformulieren", "openzaak")
    answer = ask(running, "POST", f"{notifications}notificaties", json={}, headers=stranger)
    assert (answer.status_code, answer.json()["code"]) == (403, "invalid-client-identifier")


def test_forms_read_every_service(running: Pods) -> None:
    address = f"http://{running.addresses['openformulieren-web']}:8000/standin/services"
    answer = requests.get(address, timeout=60, headers={"Host": "openformulieren-web"})
    assert set(answer.json().values()) == {200}, answer.text
    assert set(answer.json()) >= {"zaken-api", "objecten-api", "klantinteracties-api"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_administrators_are_sent_to_keycloak(running: Pods, component: str) -> None:
    path = "auth/oidc/" if component == "openformulieren" else "oidc/"
    web = f"http://{running.addresses[f'{component}-web']}:8000/"
    host = {"Host": f"{component}-web"}
    assert f"/{path}authenticate/" in requests.get(f"{web}admin/", headers=host, timeout=20).text
    answer = requests.get(f"{web}{path}authenticate/", headers=host, timeout=20, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"https://{running.landscape.built.hosts['keycloak']}/realms/")


# What the sources say. `read` is the version that was read.

WAIT, WORKER, BEAT = "/wait_for_db.sh", "/celery_worker.sh", "/celery_beat.sh"
ALIVE = "/app/bin/check_celery_worker_liveness.py"
SCRIPTS = {
    "open-zaak/open-zaak 1.30.0 (90dd5eb)": ("/start.sh", WAIT, WORKER, BEAT),
    "open-zaak/open-notificaties a3853ab": ("/start.sh", WAIT, WORKER, BEAT, ALIVE),
    "maykinmedia/open-klant 2.18.0 (754d9cd)": ("/start.sh", WAIT, WORKER),
    "maykinmedia/objects-api 4.0.0 (e69c72a)": ("/start.sh", WAIT, WORKER, ALIVE),
    "open-formulieren/open-forms 5e58131": ("/start.sh", WAIT, WORKER, BEAT),
}
"""Files that the Dockerfile of each copies to these places."""
HEALTH = {"openzaak": True, "nrc": False, "openklant": True, "objects": False, "openforms": True}
"""Who includes maykin_common.health_checks.urls: src/openzaak/urls.py, src/openklant/urls.py and src/openforms/urls.py
do; src/nrc/urls.py and src/objects/urls.py do not (the commits above)."""
BROKER = {"openzaak": False, "nrc": True, "openklant": False, "objects": True, "openforms": True}
"""Who reads CELERY_BROKER_URL: nrc/conf/includes/base.py, objects/conf/base.py and openforms/conf/base.py do; of the
framework, both addresses are CELERY_RESULT_BACKEND (open_api_framework/conf/base.py, caf2f14)."""
LIBRARIES = {
    "celery": "5.5.3",
    "commonground-api-common": "2.14.0",
    "django": "5.2.17",
    "django-setup-configuration": "0.11.0",
    "maykin-common": "0.20.1",
    "mozilla-django-oidc-db": "2.0.1",
    "notifications-api-common": "0.13.0",
    "self-certifi": "1.0.0",
    "zgw-consumers": "2.0.3",
}
"""open-zaak/open-zaak 1.30.0 (90dd5eb), requirements/base.txt."""


@pytest.mark.parametrize("read", SCRIPTS)
def test_the_image_has_each_script_where_the_original_has_it(read: str) -> None:
    containerfile = (FOLDER / "Containerfile").read_text()
    for path in SCRIPTS[read]:
        folder, _, name = path.rpartition("/")
        assert (FOLDER / "bin" / name).is_file()
        assert re.search(rf"COPY .*bin/{re.escape(name)}.* {re.escape(folder)}/$", containerfile, re.M), path


def test_each_component_has_the_health_checks_and_the_broker_of_the_original() -> None:
    settings = (FOLDER / "src" / "standin" / "settings.py").read_text()
    entries = re.findall(r'^    "(\w+)": Played\((.*?)^    \),', settings, re.M | re.S)
    assert {name: "maykin=False" not in fields for name, fields in entries} == HEALTH
    own = set(re.findall(r'"(\w+)"', re.search(r"if name in \(([^)]*)\) or not played.framework", settings)[1]))  # type: ignore[index]
    assert {name: name in own or "framework=False" in fields for name, fields in entries} == BROKER


def test_the_libraries_have_the_versions_of_open_zaak() -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", (FOLDER / "requirements.txt").read_text(), re.M))
    assert {name: pinned[name] for name in LIBRARIES} == LIBRARIES


def test_every_image_of_a_component_in_every_release_is_stood_in_for_and_says_so() -> None:
    for path in sorted((ROOT / "stacks" / "releases").glob("*.yaml")):
        release = yaml.safe_load(path.read_text())
        for component in COMPONENTS:
            recipe = images.recipe_of(release["components"][component]["images"]["main"]["repository"])
            assert recipe and recipe.kind == images.STAND_IN and recipe.says
            assert f'{images.LABEL}="{images.STAND_IN}"' in recipe.text()
