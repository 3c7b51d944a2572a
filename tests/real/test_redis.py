"""A real Redis, started with the rendered configuration; it speaks TLS, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.real.authority import Authority
from tests.real.login_loop import PROCEDURES, LoginLoop
from tests.real.programs import free_port, listens, program, running
from tests.real.rendered import Rendered, at, rendered

NEVER = Retry(NoBackoff(), 0)
STATEFUL_SET = "redis/StatefulSet/server"
CERTIFICATES = "etc/ggi/internal"


class Server:
    """Redis in a folder: its files are those of the pod, with the paths moved into the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.program = program("redis-server", "redis-server")
        for name in ("data", "tmp", CERTIFICATES):
            (folder / name).mkdir(parents=True)
        self.authority = Authority("gm9901-accp internal CA")
        (folder / CERTIFICATES / "ca.crt").write_text(self.authority.pem)
        self.renew()
        self.load(rendered())

    def renew(self) -> None:
        """What cert-manager and the kubelet do: a new certificate for the names that the landscape asks for."""
        names = rendered().object("redis/Certificate/internal").body["spec"]["dnsNames"]
        self.authority.issue(names, self.folder / CERTIFICATES)

    def moved(self, text: str) -> str:
        """The text with paths and port as they are here."""
        text = re.sub(r"/etc/redis|/etc/ggi|(?<![\w/])/data|/tmp/", lambda found: f"{self.folder}{found[0]}", text)
        return text.replace("port 6379", f"port {self.port}").replace("bind * -::*", "bind 127.0.0.1")

    def load(self, landscape: Rendered) -> None:
        """Put the pod's files in place, as the kubelet does when their Secret changes."""
        self.pod = landscape.pod(STATEFUL_SET)
        self.pod.place(self.folder)
        path = self.folder / "etc/redis/redis.conf"
        path.write_text(self.moved(path.read_text()))

    def probe(self, kind: str) -> subprocess.CompletedProcess[str]:
        """Run a probe as the kubelet does."""
        command = [
            self.moved(part).replace("redis-cli ", f"redis-cli -p {self.port} ")
            for part in self.pod.container[kind]["exec"]["command"]
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)

    def running(self) -> object:
        """The server, as long as the context lasts."""
        return running(
            [self.moved(part) for part in self.pod.container["args"]],
            {"PATH": f"{Path(self.program).parent}:{os.environ['PATH']}"},
            self.folder / "log",
            lambda: listens(self.port),
            seconds=300,
        )

    def client(self, user: str | None, password: str | None, database: int = 0) -> redis.Redis:
        """A client that does not try again by itself."""
        return redis.Redis(
            "127.0.0.1",
            self.port,
            database,
            username=user,
            password=password,
            retry=NEVER,
            decode_responses=True,
            ssl=True,
            ssl_ca_certs=str(self.folder / CERTIFICATES / "ca.crt"),
            ssl_check_hostname=False,
        )

    def address(self, variable: str) -> str:
        """An address as the pods of Open Zaak get it, with the authority's file where it is here."""
        return self.moved(rendered().pod("openzaak/Deployment/worker").environment[variable])


def consumer(landscape: Rendered, name: str = "openzaak") -> tuple[str, str]:
    """User and password that a component uses."""
    relation = next(r for r in landscape.built.relations if (r.consumer, r.provider) == (name, "redis"))
    assert relation.credential is not None
    return relation.credential.client_id, landscape.resolver.value(relation.credential.secret)


@pytest.fixture
def by_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server under the name and port of its Service, as the cluster's DNS and its proxy would have it."""
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host == "redis-server.gm9901-accp.svc":
            assert int(port) == 6379
            host, port = "127.0.0.1", server.port
        return real(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    with made.running():  # type: ignore[attr-defined]
        yield made


def test_it_answers_its_own_probes(server: Server) -> None:
    for kind in ("livenessProbe", "readinessProbe"):
        done = server.probe(kind)
        assert (done.returncode, done.stdout.split()[-1]) == (0, "PONG"), done


def test_a_component_can_do_what_caches_and_queues_need(server: Server) -> None:
    client = server.client(*consumer(rendered()), database=5)
    assert client.set(":1:session", "value", ex=60)
    assert client.get(":1:session") == "value"
    assert client.incr(":1:axes") == 1
    assert client.lpush("celery", "task") == 1
    assert client.brpop(["celery"], timeout=1) == ("celery", "task")
    with client.pipeline(transaction=True) as pipe:
        pipe.hset("unacked", "tag", "task")
        pipe.zadd("unacked_index", {"tag": 1})
        assert pipe.execute() == [1, 1]
    listener = client.pubsub()  # type: ignore[no-untyped-call]
    listener.psubscribe("/5.celeryev/*")
    assert client.publish("/5.celeryev/worker.x", "up") == 1
    assert client.eval("return redis.call('GET', KEYS[1])", 1, ":1:session") == "value"  # a lock of django-redis
    assert client.lock("lock", timeout=5).acquire(blocking=False)
    assert client.info("server")["redis_version"]


def test_a_cache_connects_with_the_address_that_it_gets(by_name: Server) -> None:
    """The images write `redis://` before it; the settings of the component make `rediss://` of that."""
    client = redis.Redis.from_url(f"rediss://{by_name.address('CACHE_DEFAULT')}", decode_responses=True)
    assert client.set("key", "value") and client.get("key") == "value"
    assert isinstance(client.connection_pool.make_connection(), redis.SSLConnection)


def test_a_client_refuses_another_name_and_another_authority(by_name: Server, tmp_path: Path) -> None:
    address = f"rediss://{by_name.address('CACHE_DEFAULT')}"
    with pytest.raises(redis.exceptions.ConnectionError, match=r"Hostname mismatch|certificate is not valid for"):
        redis.Redis.from_url(address.replace("redis-server.gm9901-accp.svc:6379", f"localhost:{by_name.port}")).ping()
    (by_name.folder / CERTIFICATES / "ca.crt").write_text(Authority("another gemeente").pem)
    with pytest.raises(redis.exceptions.ConnectionError, match="certificate verify failed"):
        redis.Redis.from_url(address).ping()


def test_nobody_is_answered_without_tls_or_with_an_old_version(server: Server) -> None:
    with pytest.raises(redis.exceptions.ConnectionError):
        redis.Redis("127.0.0.1", server.port, retry=NEVER).ping()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_a_renewed_certificate_is_noticed_and_used_after_the_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)

    def served() -> str:
        return ssl.get_server_certificate(("127.0.0.1", server.port))

    with server.running():  # type: ignore[attr-defined]
        before = served()
        assert server.probe("livenessProbe").returncode == 0
        server.renew()
        done = server.probe("livenessProbe")
        assert done.returncode == 1 and "renewed" in done.stderr, "the kubelet starts it again"
        assert served() == before
    with server.running():  # type: ignore[attr-defined]
        assert served() != before
        assert server.probe("livenessProbe").returncode == 0


def test_it_may_use_half_of_the_pod_s_memory_and_then_refuses_writes(server: Server) -> None:
    pod = server.pod.container["resources"]["limits"]["memory"]
    told = (server.folder / "etc/redis/redis.conf").read_text()
    assert (pod, f"maxmemory {256 * 2**20}\n" in told, "maxmemory-policy noeviction" in told) == ("512Mi", True, True)
    found = server.client(*consumer(rendered())).info("memory")
    assert (found["maxmemory"], found["maxmemory_policy"]) == (256 * 2**20, "noeviction")


def test_celery_sends_a_task_and_reads_its_result(by_name: Server) -> None:
    """With the very address that the pods of Open Zaak get: the framework takes its broker from this variable too.

    Source: maykinmedia/open-api-framework 0.14.0, conf/base.py; see stacks/contracts.
    """
    celery = pytest.importorskip("celery")
    address = by_name.address("CELERY_RESULT_BACKEND")
    app = celery.Celery("tests", broker=address, backend=address)

    @app.task(name="add")  # type: ignore[untyped-decorator]
    def add(one: int, other: int) -> int:
        return one + other

    from celery.contrib.testing.worker import start_worker  # type: ignore[import-untyped]

    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        assert add.delay(2, 3).get(timeout=20) == 5


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET requirepass", "CONFIG SET dir /tmp", "ACL LIST", "ACL SETUSER x on nopass +@all", "FLUSHALL",
        "FLUSHDB", "KEYS *", "SHUTDOWN", "MODULE LIST", "REPLICAOF 127.0.0.1 1", "MONITOR", "SAVE",
        "CLIENT KILL TYPE normal", "ACL LOAD",
    ],
)  # fmt: skip
def test_a_component_may_not_administer_the_server(server: Server, command: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        server.client(*consumer(rendered())).execute_command(*command.split())  # type: ignore[no-untyped-call]


def test_nobody_gets_in_without_a_user_of_a_component(server: Server) -> None:
    for user, password in ((None, None), (None, "x"), ("default", "x"), ("openzaak-r1", "x"), ("openzaak", "x")):
        with pytest.raises(redis.exceptions.AuthenticationError):
            server.client(user, password).ping()


def test_the_user_of_the_probe_can_do_nothing_else(server: Server) -> None:
    client = server.client("probe", "none")
    assert client.ping()
    for command in (["GET", "x"], ["SET", "x", "y"], ["INFO"], ["ACL", "LIST"], ["SUBSCRIBE", "x"]):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)  # type: ignore[no-untyped-call]


def test_a_transaction_survives_a_restart(tmp_path: Path) -> None:
    """Redis replays its log as `default`, and drops in silence what that user may not do inside MULTI."""
    server = Server(tmp_path)
    with server.running():  # type: ignore[attr-defined]
        client = server.client(*consumer(rendered()))
        with client.pipeline(transaction=True) as pipe:
            pipe.hset("unacked", "tag", "task")
            pipe.set("celery-task-meta-1", "done")
            pipe.execute()
    with server.running():  # type: ignore[attr-defined]
        client = server.client(*consumer(rendered()))
        assert (client.hget("unacked", "tag"), client.get("celery-task-meta-1")) == ("task", "done")


def test_a_list_of_users_that_is_wrong_leaves_the_old_one_in_force(server: Server) -> None:
    server.probe("readinessProbe")
    (server.folder / "etc/redis/users/users.acl").write_text("user x on >y +@nonsense\n")
    done = server.probe("readinessProbe")
    assert done.returncode == 0, done
    assert server.client(*consumer(rendered())).ping()


def _log_in(server: Server, landscape: Rendered) -> Callable[[], None]:
    user, password = consumer(landscape)

    def log_in() -> None:
        for attempt in (1, 2):
            try:
                client = server.client(user, password)
                assert client.ping()
                client.close()
                return
            except redis.exceptions.AuthenticationError:
                raise
            except redis.exceptions.ConnectionError:
                # Before 7.4 `ACL LOAD` disconnects everybody; a client connects again.
                if attempt == 2:
                    raise

    return log_in


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_rotation_refuses_nobody_and_ends_the_old_password(server: Server, procedure: str) -> None:
    first, *steps = PROCEDURES[procedure]
    before, after = at(first), at(steps[-1])
    assert consumer(before) != consumer(after)
    assert shutil.which("sha256sum")
    process_id = server.client(*consumer(before)).info("server")["process_id"]
    with LoginLoop(_log_in(server, before)) as loop:
        for step in steps:
            if step == "use":
                loop.use(_log_in(server, after))
            else:
                server.load(at(step))
                assert server.probe("readinessProbe").returncode == 0
            loop.more(20)
    assert loop.failures == []
    with pytest.raises(redis.exceptions.AuthenticationError):
        server.client(*consumer(before)).ping()
    assert server.client(*consumer(after)).info("server")["process_id"] == process_id, "it was restarted"


def test_a_rotation_does_not_touch_the_pods(server: Server) -> None:
    templates = [r.object(STATEFUL_SET).body["spec"]["template"] for r in (rendered(1), rendered(2, (1,)), rendered(2))]
    assert templates[0] == templates[1] == templates[2]
