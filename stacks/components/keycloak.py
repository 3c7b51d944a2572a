"""Keycloak: one realm per environment for the people who administer the components, a client per component.

Start-up. The official image is not built for PostgreSQL, and `start` would build it at each start into
/opt/keycloak/lib/quarkus, which a read-only root forbids. So two steps of the pod copy that folder into an emptyDir and
build there; the process itself starts with `--optimized`. A gemeente with a registry of its own can put a built image
in its release instead; the steps then find nothing to change.

Realm. `--import-realm` skips a realm that exists, so it is not used at all: a Job that runs when Keycloak is up creates
or updates realm and clients through the admin API (`_keycloak_configure.sh`), from the same data every time.

TLS. Keycloak ends it itself, and reads a renewed certificate within an hour (keycloak.org, Configuring TLS,
`https-certificates-reload-period`). Its management port, which only probes and monitoring reach, stays without.

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
    SecretMount,
)
from ggi.catalogue.relation import Api, Auth, Use
from ggi.catalogue.secrets import text
from ggi.catalogue.tls import CERTIFICATE, FILES, FOLDER, HTTPS_PORT, KEY, certificate_secret

from ._keycloak import ADMIN, ADMINISTRATORS, JOB_FOLDER, admin_secrets, files, secret_files
from ._postgresql import CA_MOUNT, jdbc, login_role, owner

SUITES = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
)
"""Suites of the grades good and sufficient (NCSC TLS 2025-05) for our ECDSA key, as Java names them."""
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
        "KC_HTTP_ENABLED": "false",
        "KC_HTTPS_PORT": str(HTTPS_PORT),
        "KC_HTTPS_CERTIFICATE_FILE": CERTIFICATE,
        "KC_HTTPS_CERTIFICATE_KEY_FILE": KEY,
        "KC_HTTPS_PROTOCOLS": "TLSv1.3,TLSv1.2",
        "KC_HTTPS_CIPHER_SUITES": ",".join(SUITES),
        "KC_HTTP_MANAGEMENT_SCHEME": "http",
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
        # The realm `master` and its console are not reachable from outside. The console of our realm asks for
        # serverinfo first and stays empty without it (keycloak/keycloak, js/apps/admin-ui).
        public_paths=(
            f"/realms/{stack}",
            f"/admin/{stack}",
            f"/admin/realms/{stack}",
            "/admin/serverinfo",
            "/resources",
        ),
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
                Port("https", HTTPS_PORT),
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
            secret_mounts=(CA_MOUNT, SecretMount(certificate_secret("keycloak"), FOLDER, FILES)),
        ),
    ),
    offers=(Api("oidc", "server", "https", auth=Auth.OIDC, title="OpenID Connect"),),
    uses=(Use("postgresql", ("database",), ("server",), starts_after=True),),
    internal=(
        Internal(("configure",), "server", "https"),
        Internal(("server",), "server", "jgroups"),
        Internal(("server",), "server", "jgroups-fd"),
    ),
    outside=(Outside("smtp", ("server",), optional=True),),
    runs=(Job("configure", ("/bin/sh", f"{JOB_FOLDER}/configure.sh"), after_start=True, configured=False),),
    configure=configure,
    route="server:https",
    certified="server",
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
