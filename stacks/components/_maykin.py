"""What the Django components by Maykin have in common: settings, environment, secrets, processes and their probes.

Which variables each version reads, and what its images have, is in `stacks/contracts/`; Open Formulieren does not share
the settings of maykinmedia/open-api-framework. What goes into their databases is in `_setup.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field

from ggi.catalogue.component import Configuration, Context, Job, Port, Probe, Process, SecretMount, Volume
from ggi.catalogue.relation import Use
from ggi.catalogue.secrets import SecretText, text
from ggi.catalogue.tls import AUTHORITY, FOLDER, REQUEST_SECONDS, certificate_secret
from ggi.inventory.models import ComponentSettings

from ._nginx import BODY, front, front_conf
from ._postgresql import CA_MOUNT, libpq, login_role, owner
from ._setup import RETIRE_PATH, SETUP_PATH, credential_of

WRITABLE = ("/tmp", "/app/log", "/app/tmp", "/app/media")  # noqa: S108
"""Folders that the images write to; logging opens files in /app/log even when it writes to standard output."""

SETTINGS = Path(__file__).with_name("_settings.py").read_text(encoding="utf-8")
SETTINGS_MODULE = "ggi_settings"
SETTINGS_PATH = f"/app/src/{SETTINGS_MODULE}.py"
"""The images keep their code in /app/src, from where manage.py, uWSGI (--chdir) and Celery (--workdir) import."""
AUTHORITIES_PATH = "/etc/ggi/authorities.pem"
WEB_PORT = 8000

SESSION_SECONDS = 8 * 3600
"""A working day."""
UWSGI_PROCESSES, UWSGI_THREADS = 2, 4
"""Requests that one web pod works on at once: enough for 25 a second, and each holds a database connection."""

MIGRATE = Job(
    "migrate", ("/bin/sh", "-c", "/wait_for_db.sh && OTEL_SDK_DISABLED=True python src/manage.py migrate --noinput")
)
CONFIGURE = Job(
    "configure",
    (
        "/bin/sh",
        "-c",
        f"python src/manage.py setup_configuration --yaml-file {SETUP_PATH}"
        f" && python src/manage.py shell -c \"exec(open('{RETIRE_PATH}').read())\"",
    ),
)
"""Configure, then withdraw what the configuration no longer names: the steps themselves only add and change."""

READY = Probe(
    command=(
        "maykin-common",
        "worker-health-check",
        "--skip-ping",
        "--skip-event-loop-liveness",
        "--no-skip-readiness",
        "--readiness-file=/app/tmp/celery_worker.ready",
    ),
    timeout=15,
    failures=30,
)
"""A worker of maykin-common that has started."""
ALIVE = Probe(
    command=(
        "maykin-common",
        "worker-health-check",
        "--skip-ping",
        "--liveness-file=/app/tmp/celery_worker_event_loop.live",
        "--max-age=70",
    ),
    period=30,
    timeout=15,
    failures=5,
)
"""Its event loop turns. Without the ping that the images' script adds: that one shows the broker's password in the list
of processes, and restarts every worker when it is Redis that is away."""
HEARTBEAT = Probe(command=("python", "/app/bin/check_celery_worker_liveness.py"), period=30, timeout=15, failures=5)
"""The same of the images that have no maykin-common: ready, and a file touched within a minute."""


class Settings(ComponentSettings):
    """Settings of every Django component by Maykin."""

    mail: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = None
    """Technical management: sender of mail and contact of API tokens. Default postmaster@DOMAIN (RFC 5321, 4.5.1)."""


class Probes(TypedDict):
    """The three probes of a process."""

    startup: Probe
    liveness: Probe
    readiness: Probe


def probes(startup: str, liveness: str, readiness: str) -> Probes:
    """HTTP probes on these paths. Start-up may take five minutes: every start looks for pending migrations."""
    return {
        "startup": Probe(port="http", path=startup, failures=30),
        "liveness": Probe(port="http", path=liveness, failures=10),
        "readiness": Probe(port="http", path=readiness, failures=5),
    }


HEALTHZ = probes("/_healthz/readyz/", "/_healthz/livez/", "/_healthz/readyz/")
"""The paths of maykin-common. `/_healthz/` itself is for people: it also looks up the pod's own name in DNS, which no
cluster knows (django-health-check 4, HealthCheckView), so as a start-up probe it is a loop of restarts."""


def web(
    component: str, checks: Probes, *, cpu: float, memory: int, files: Volume | None = None, **more: object
) -> Process:
    """The pods that serve requests: uWSGI, and nginx before it, which sends the private `files`.

    `more` are further fields of Process. uWSGI reads its options from UWSGI_ variables (uwsgi-docs, Configuration):
    `harakiri` ends a request and the process that it is in, `http-timeout` is the patience of its own router, 60 s if
    not said. Only a `master` starts such a process again (unbit/uwsgi core/uwsgi.c, `harakiri`), and of the images only
    Open Formulieren's asks for one (bin/docker_start.sh of each).
    """
    fields: dict[str, object] = {
        "ports": (Port("http", WEB_PORT, own=True),),
        "environment": {
            "UWSGI_PROCESSES": str(UWSGI_PROCESSES),
            "UWSGI_THREADS": str(UWSGI_THREADS),
            "UWSGI_MASTER": "true",
            "UWSGI_HARAKIRI": str(REQUEST_SECONDS),
            "UWSGI_HTTP_TIMEOUT": str(REQUEST_SECONDS),
        },
        "connections": UWSGI_PROCESSES * UWSGI_THREADS,
        "beside": (front(component, files),),
    }
    return _django(component, "web", **fields, **checks, cpu=cpu, memory=memory, scales=True, **more)


def worker(
    component: str,
    startup: Probe,
    liveness: Probe,
    *,
    cpu: float,
    memory: int,
    concurrency: int = 2,
    framework: bool = True,
    **more: object,
) -> Process:
    """The pods that work off the queue (Celery). A minute to finish what they have in hand when they stop.

    `concurrency` tasks at once; Celery's own default, the node's number of cores, is more than a pod's memory can take.
    Each holds a database connection, so it lets go of it after each task; without the shared `framework` it always
    does.
    """
    return _django(
        component,
        "worker",
        command=("/celery_worker.sh",),
        startup=startup,
        liveness=liveness,
        cpu=cpu,
        memory=memory,
        replicas=2,
        grace=60,
        environment={"CELERY_WORKER_CONCURRENCY": str(concurrency)} | ({"DB_CONN_MAX_AGE": "0"} if framework else {}),
        connections=concurrency + 1,
        **more,
    )


def beat(component: str, **more: object) -> Process:
    """The one pod that starts what is due (Celery beat). It loads the whole application: see the contracts' memory."""
    return _django(component, "beat", command=("/celery_beat.sh",), cpu=0.02, memory=320, singleton=True, **more)


def _django(component: str, name: str, **fields: object) -> Process:
    authority = SecretMount(certificate_secret(component), FOLDER, ("ca.crt",))
    usual = {"name": name, "writable": WRITABLE, "secret_mounts": (CA_MOUNT, authority)}
    return Process(**usual | fields)  # type: ignore[arg-type]


def uses(
    *, cache: int, broker: int, extensions: tuple[str, ...] = (), redirect: str = "/oidc/callback/"
) -> tuple[Use, ...]:
    """A database, two Redis databases (`cache` and `broker` are their numbers) and administration by Keycloak."""
    return (
        Use("postgresql", ("database",), starts_after=True, parameters={"extensions": extensions}),
        Use("redis", ("redis",), starts_after=True, parameters={"databases": {"cache": cache, "broker": broker}}),
        Use("keycloak", ("oidc",), ("web",), optional=True, parameters={"redirects": (redirect,)}),
    )


def publishes(channels: Mapping[str, tuple[str, ...]]) -> Use:
    """Sends notifications to Open Notificaties: `channels` by name, with the attributes that subscribers filter on.

    The worker sends; the web pods show administrators whether the connection works.
    """
    return Use(
        "opennotificaties", ("notificaties",), ("web", "worker"), optional=True, parameters={"channels": channels}
    )


def mail(context: Context) -> str:
    """The address of technical management."""
    return context.settings(Settings).mail or f"postmaster@{context.environment.domain}"


def configuration(
    context: Context, made: Configuration, files: Volume | None = None, upload: str = BODY
) -> Configuration:
    """What a component made, with the files that all have: the settings, and the configuration of nginx."""
    common = {**made.common_files, SETTINGS_PATH: SETTINGS}
    if authorities := context.environment.cluster.gateway.authorities:
        common[AUTHORITIES_PATH] = authorities
    return replace(made, common_files=common, files={**made.files, **front_conf(WEB_PORT, files, upload)})


def environment(context: Context, settings_module: str) -> dict[str, str]:
    """The environment that is no secret and that every component reads, hardened where the charts' defaults are not."""
    database = context.must("postgresql")
    cluster = context.environment.cluster
    smtp = cluster.smtp_host
    result = {
        "DJANGO_SETTINGS_MODULE": SETTINGS_MODULE,
        "GGI_SETTINGS_MODULE": settings_module,
        "GGI_AUTHORITIES": ",".join([AUTHORITY, *([AUTHORITIES_PATH] if cluster.gateway.authorities else ())]),
        "ENVIRONMENT": context.environment.name,
        "ALLOWED_HOSTS": ",".join(context.allowed_hosts("web")),
        "IS_HTTPS": "True",
        "USE_X_FORWARDED_HOST": "False",
        # The gateway and nginx append to X-Forwarded-For; the lock-out after failed log-ins counts per address.
        "NUM_PROXIES": "2",
        "DEBUG": "False",
        "DISABLE_2FA": "False",
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": owner(database, context),
        "DB_USER": login_role(owner(database, context), context.environment.settings.rotation.current),
        "DEFAULT_FROM_EMAIL": mail(context),
        "LOG_LEVEL": "INFO",
        "LOG_STDOUT": "yes",
        # Bodies of requests hold personal data.
        "LOG_OUTGOING_REQUESTS_EMIT_BODY": "False",
        "LOG_OUTGOING_REQUESTS_DB_SAVE": "False",
        "LOG_OUTGOING_REQUESTS_DB_SAVE_BODY": "False",
        "CELERY_LOGLEVEL": "INFO",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CORS_ALLOW_ALL_ORIGINS": "False",
        "OTEL_SDK_DISABLED": "True",
        **libpq(context),
    }
    if smtp:
        result |= {"EMAIL_HOST": smtp, "EMAIL_PORT": "587", "EMAIL_USE_TLS": "True"}
    return result


QUIET = {"LOG_REQUESTS": "False"}
"""Requests to others are not logged: the line has their Authorization header, so tokens would stand in the log (handler
`log_outgoing_requests` with HttpFormatter). In open-api-framework the switch is named LOG_REQUESTS; see `QUIET_RENAMED`
for who renamed it."""
QUIET_RENAMED = {"LOG_OUTGOING_REQUESTS": "False"}
"""The same switch of Open Formulieren, and of Open Object from 4.0; their LOG_REQUESTS is about incoming requests, of
which path and status alone are logged."""


def framework(context: Context) -> dict[str, str]:
    """What the components read that take their settings from open-api-framework."""
    return {"SITE_DOMAIN": context.host, "DB_CONN_MAX_AGE": "60", "SESSION_COOKIE_AGE": str(SESSION_SECONDS)}


def secrets(context: Context, *, broker: tuple[str, ...] = ("CELERY_RESULT_BACKEND",)) -> dict[str, SecretText]:
    """Password, signing key, and the addresses of Redis, which hold a password.

    The images write the scheme of the caches, which `_settings.py` corrects; Celery takes a whole URL. `broker` are the
    variables that the component reads it from: the framework takes both the broker and the results from
    CELERY_RESULT_BACKEND. redis-py takes what follows the
    question mark as arguments of its connection (redis/connection.py `parse_url`, 34817ce); Celery's back end insists
    on `ssl_cert_reqs` (celery/backends/redis.py, 5.7), and kombu reads the same names (kombu/utils/url.py, 5.7).
    """
    redis = context.must("redis")
    credential = credential_of(redis)
    base = text(f"{credential.client_id}:", credential.secret, f"@{redis.host}:{redis.port}/")
    tls = f"?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs={AUTHORITY}"
    cache = text(base, str(context.redis_databases["cache"]), tls)
    queue = text("rediss://", base, str(context.redis_databases["broker"]), tls)
    return {
        "DB_PASSWORD": text(credential_of(context.must("postgresql")).secret),
        "SECRET_KEY": text(context.secret("secret-key")),
        "CACHE_DEFAULT": cache,
        "CACHE_AXES": cache,
        **dict.fromkeys(broker, queue),
    }


BOTH = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")
"""The variables of a component that reads the broker from one of its own."""
