"""Keycloak: one realm per environment for the people who administer the components, a client per component.

Start-up. The official image is not built for PostgreSQL, and `start` would build it at each start into
/opt/keycloak/lib/quarkus, which a read-only root forbids. So two steps of the pod copy that folder into an emptyDir and
build there; the process itself starts with `--optimized`. A gemeente with a registry of its own can put a built image
in its release instead; the steps then find nothing to change.

Realm. `--import-realm` skips a realm that exists, so it is not used at all: a Job that runs when Keycloak is up creates
or updates realm and clients through the admin API (`_keycloak_configure.sh`), from the same data every time.

Service account. Its secret is taken from the environment only when the database is new. At a rotation the Job signs in
with the secret before and sets the current one; so a rotation must not skip a counter that is in the database.
"""

from __future__ import annotations

from ggi.catalogue.component import (
    Component,
    Configuration,
    Context,
    FirstPerson,
    Functional,
    Internal,
    Job,
    Layer,
    Outside,
    Port,
    Prepare,
    Probe,
    Process,
)
from ggi.catalogue.relation import Api, Auth, Use
from ggi.catalogue.secrets import text

from ._keycloak import ADMIN, ADMINISTRATORS, FOLDER, admin_secrets, files, secret_files
from ._postgresql import CA_MOUNT, jdbc, login_role, owner

BUILT = "/opt/keycloak/lib/quarkus"
POOL = 20
"""Connections per pod; Keycloak's default of 100 would take a third of the database's."""


def configure(context: Context) -> Configuration:
    """Environment of the pods, and the Job's files."""
    database = context.must("postgresql")
    own = owner(database, context)
    login = database.accepted[0]
    stack = context.environment.stack
    environment = {
        "KC_DB": "postgres",
        "KC_DB_URL": jdbc(database, own),
        "KC_DB_USERNAME": login_role(own, login.secret.counter),
        "KC_DB_POOL_INITIAL_SIZE": "2",
        "KC_DB_POOL_MIN_SIZE": "2",
        "KC_DB_POOL_MAX_SIZE": str(POOL),
        "KC_HEALTH_ENABLED": "true",
        "KC_METRICS_ENABLED": "true",
        "KC_CACHE": "ispn",
        "KC_HOSTNAME": f"https://{context.host}",
        # Components reach token, userinfo and keys by the Service; the issuer stays the public name.
        "KC_HOSTNAME_BACKCHANNEL_DYNAMIC": "true",
        "KC_HTTP_ENABLED": "true",
        "KC_PROXY_HEADERS": "xforwarded",
        "KC_LOG": "console",
        "KC_LOG_CONSOLE_OUTPUT": "json",
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID": ADMIN,
    }
    trusted = context.environment.cluster.gateway.peer.cidrs
    if trusted:
        environment["KC_PROXY_TRUSTED_ADDRESSES"] = ",".join(trusted)
    return Configuration(
        environment=environment,
        secrets={
            "KC_DB_PASSWORD": text(login.secret),
            "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": text(admin_secrets(context)[0]),
        },
        files={"configure": files(context)},
        secret_files={"configure": secret_files(context)},
        # The realm `master` and its console are not reachable from outside.
        public_paths=(f"/realms/{stack}", f"/admin/{stack}", f"/admin/realms/{stack}", "/resources"),
    )


component = Component(
    name="keycloak",
    title="Keycloak",
    layer=Layer.SERVICES,
    summary="Log-in of administrators to the components (OpenID Connect)",
    processes=(
        Process(
            name="server",
            ports=(
                Port("http", 8080),
                Port("management", 9000, metrics=True),
                Port("jgroups", 7800),
                Port("jgroups-fd", 57800),
            ),
            command=("/opt/keycloak/bin/kc.sh", "start", "--optimized"),
            prepare=(
                Prepare("copy", ("/bin/sh", "-c", f"cp -r {BUILT}/. /prepared/"), elsewhere={BUILT: "/prepared"}),
                Prepare("build", ("/opt/keycloak/bin/kc.sh", "build")),
            ),
            startup=Probe(port="management", path="/health/started", failures=60),
            liveness=Probe(port="management", path="/health/live", period=30, failures=5),
            readiness=Probe(port="management", path="/health/ready"),
            cpu=0.5,
            memory=1536,
            replicas=2,
            connections=POOL,
            writable=("/tmp", "/opt/keycloak/data", BUILT),  # noqa: S108
            secret_mounts=(CA_MOUNT,),
        ),
    ),
    offers=(Api("oidc", "server", "http", auth=Auth.OIDC, title="OpenID Connect"),),
    uses=(Use("postgresql", ("database",), ("server",), starts_after=True),),
    internal=(
        Internal(("configure",), "server", "http"),
        Internal(("server",), "server", "jgroups"),
        Internal(("server",), "server", "jgroups-fd"),
    ),
    outside=(Outside("smtp", ("server",), optional=True),),
    runs=(Job("configure", ("/bin/sh", f"{FOLDER}/configure.sh"), after_start=True, configured=False),),
    configure=configure,
    route="server:http",
    functional=(
        Functional("People, their groups and their second factor", "realm of the environment"),
        Functional("Identity providers, such as Microsoft Entra ID", "realm of the environment"),
    ),
    supplier="Keycloak (CNCF)",
    licence="Apache-2.0",
    source="https://github.com/keycloak/keycloak",
    front="/realms/{stack}/account/",
    first=FirstPerson(
        ADMIN,
        "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET",
        "server",
        (
            "token=$(call {base}/realms/master/protocol/openid-connect/token -d grant_type=client_credentials "
            f'-d client_id={ADMIN} --data-urlencode "client_secret=$({{password}})" '
            """| sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')""",
            """person='{{"username": "NAME", "email": "NAME@{domain}", "emailVerified": true, "enabled": true, """
            f'"groups": ["/{ADMINISTRATORS}"], '
            """"credentials": [{{"type": "password", "value": "A-NEW-PASSWORD", "temporary": true}}]}}'""",
            'call {base}/admin/realms/{stack}/users -H "Authorization: Bearer $token" '
            """-H 'Content-Type: application/json' -d "$person\"""",
        ),
    ),
    exit="kc.sh export --dir --users different_files with the server stopped; or SQL",
)
