"""A real PostgreSQL with the roles, rules and databases of the landscape, used with the pods' own environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.real.login_loop import PROCEDURES, LoginLoop
from tests.real.postgres import Database, database
from tests.real.rendered import Rendered, at, rendered

CONSUMERS = tuple(r.consumer for r in rendered().built.relations if r.provider == "postgresql")
DJANGO = tuple(c for c in CONSUMERS if f"{c}/Deployment/web" in {o.name for o in rendered().built.objects})
Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with database(rendered()) as made:
        yield made


@pytest.fixture(autouse=True)
def no_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGOPTIONS", "PGSSLMODE", "PGSSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)


def environment(landscape: Rendered, component: str) -> dict[str, str]:
    """The environment of a component's pods."""
    return dict(landscape.pod(f"{component}/Deployment/web").environment)


def connect(server: Database, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], **other: object) -> Connection:
    """Connect as psycopg in the pod does: what is not in its arguments, libpq takes from the environment.

    Only the address, the port and the place of the authority's certificate differ from those in the cluster.
    """
    for name, value in env.items():
        if name.startswith("PG"):
            monkeypatch.setenv(name, str(server.ca) if name == "PGSSLROOTCERT" else value)
    arguments: dict[str, object] = {
        "host": env["DB_HOST"],
        "hostaddr": "127.0.0.1",
        "port": server.port,
        "dbname": env["DB_NAME"],
        "user": env["DB_USER"],
        "password": env["DB_PASSWORD"],
        "connect_timeout": 10,
    }
    return psycopg.connect(**{**arguments, **other})  # type: ignore[arg-type]


def test_every_django_component_is_looked_at() -> None:
    assert {"openzaak", "opennotificaties", "openklant", "openobject", "openformulieren"} <= set(DJANGO)


@pytest.mark.parametrize("component", DJANGO)
def test_a_component_gets_in_over_checked_tls_and_works_as_the_owner(
    server: Database, monkeypatch: pytest.MonkeyPatch, component: str
) -> None:
    env = environment(rendered(), component)
    with connect(server, monkeypatch, env) as connection:
        row = connection.execute(
            "SELECT session_user, current_user, datdba::regrole::text FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
        assert connection.pgconn.ssl_in_use
    assert row == (env["DB_USER"], env["DB_NAME"], env["DB_NAME"])
    assert env["DB_USER"] != env["DB_NAME"]


@pytest.mark.parametrize("component", CONSUMERS)
def test_the_roles_of_a_component_have_no_power_over_the_server(server: Database, component: str) -> None:
    with server.operator.connect() as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin "
            "FROM pg_roles WHERE rolname LIKE %s || '%%' ORDER BY rolname",
            [component],
        ).fetchall()
    flags = {name: (any(powers), login) for name, *powers, login in roles}
    assert flags == {component: (False, False), f"{component}_r1": (False, True)}


@pytest.mark.parametrize("component", DJANGO)
def test_names_are_found_and_sorted_as_dutch_has_it(
    server: Database, monkeypatch: pytest.MonkeyPatch, component: str
) -> None:
    with connect(server, monkeypatch, environment(rendered(), component)) as connection:
        found = connection.execute(
            "SELECT 'SÚDERWÂLD' ILIKE 'súderwâld', upper('súderwâld'), to_tsvector('simple', 'SÚDERWÂLD')::text, "
            "array(SELECT name FROM unnest(array['Zeeland', 'aalten', 'Élan', 'Ede']) name ORDER BY name)"
        ).fetchone()
    assert found == (True, "SÚDERWÂLD", "'súderwâld':1", ["aalten", "Ede", "Élan", "Zeeland"])


def test_the_role_of_the_first_start_can_do_nothing(server: Database) -> None:
    with server.operator.connect() as connection:
        row = connection.execute(
            "SELECT rolcanlogin, rolconnlimit, rolsuper FROM pg_roles WHERE rolname = 'bootstrap'"
        ).fetchone()
    assert row == (False, 0, False)


def test_what_a_log_in_role_makes_belongs_to_the_owner(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(server, monkeypatch, environment(rendered(), "openzaak")) as connection:
        connection.execute("CREATE TABLE zaak (id int)")
        row = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'zaak'").fetchone()
        assert row == ("openzaak",)
        connection.rollback()


def test_the_extensions_that_a_component_wants_are_there(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(server, monkeypatch, environment(rendered(), "openzaak")) as connection:
        assert connection.execute("SELECT similarity('zaak', 'zaak'), ST_SRID(ST_Point(1, 2, 28992))").fetchone() == (
            1.0,
            28992,
        )


@pytest.mark.parametrize("other", [c for c in CONSUMERS if c != "openzaak"])
def test_a_component_cannot_connect_to_the_database_of_another(
    server: Database, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        connect(server, monkeypatch, environment(rendered(), "openzaak"), dbname=other)


def test_a_component_cannot_take_the_role_of_another(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        connect(server, monkeypatch, environment(rendered(), "openzaak")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SET ROLE openklant")


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"sslmode": "disable"}, "pg_hba.conf rejects connection"),
        ({"password": "x"}, "password authentication failed"),
        ({"user": "openzaak"}, "password authentication failed"),
        ({"host": "localhost"}, 'server certificate for "postgresql-rw".* does not match host name "localhost"'),
        ({"sslrootcert": "system"}, "certificate verify failed|weak sslmode|does not exist|unable to get"),
        ({"ssl_max_protocol_version": "TLSv1.2"}, "protocol version"),
    ],
    ids=["without TLS", "wrong password", "as the owner", "other host name", "other authority", "TLS 1.2"],
)
def test_nobody_gets_in_otherwise(
    server: Database, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], refused: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=refused):
        connect(server, monkeypatch, environment(rendered(), "openzaak"), **changed)


def _log_in(server: Database, monkeypatch: pytest.MonkeyPatch, landscape: Rendered) -> Callable[[], None]:
    env = environment(landscape, "openzaak")

    def log_in() -> None:
        with connect(server, monkeypatch, env) as connection:
            connection.execute("INSERT INTO rotated VALUES (current_user, session_user)")

    return log_in


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_rotation_refuses_nobody_and_ends_the_old_role(monkeypatch: pytest.MonkeyPatch, procedure: str) -> None:
    first, *steps = PROCEDURES[procedure]
    before, after = at(first), at(steps[-1])
    with database(before) as server:
        with connect(server, monkeypatch, environment(before, "openzaak")) as connection:
            connection.execute("CREATE TABLE rotated (worked_as text, logged_in_as text)")
        with LoginLoop(_log_in(server, monkeypatch, before)) as loop:
            for step in steps:
                if step == "use":
                    loop.use(_log_in(server, monkeypatch, after))
                else:
                    server.use(at(step))
                loop.more(20)
        assert loop.failures == []
        with connect(server, monkeypatch, environment(after, "openzaak")) as connection:
            rows = connection.execute("SELECT DISTINCT worked_as, logged_in_as FROM rotated ORDER BY 2").fetchall()
        assert rows == [("openzaak", "openzaak_r1"), ("openzaak", "openzaak_r2")]
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            connect(server, monkeypatch, environment(before, "openzaak"))


def test_a_role_that_still_works_is_not_dropped_by_a_rotation_that_accepts_it() -> None:
    roles = rendered(3, (2,)).object("postgresql/Cluster/main").body["spec"]["managed"]["roles"]
    states = {role["name"]: role["ensure"] for role in roles if role["name"].startswith("openzaak_r")}
    assert states == {"openzaak_r1": "absent", "openzaak_r2": "present", "openzaak_r3": "present"}
