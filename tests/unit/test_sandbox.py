"""The sandbox without its programs: names, ports, processes, certificates, and what kwok is told to simulate."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from ggi.engine import gobuild
from ggi.errors import InputError, WorkError
from sandbox import certificates, content, controlplane, crds, kwok, processes
from sandbox.layout import PORT_NAMES, Layout, is_free, sandboxes
from sandbox.parts import parts


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GGI_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def layout() -> Layout:
    found = Layout.of("unit")
    found.create()
    return found


@pytest.mark.parametrize("name", ["", "A", "../x", "a b", "-a", "a-", "a" * 31])
def test_a_name_that_could_leave_the_folder_or_break_a_context_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        Layout.of(name)


def test_ports_are_kept_over_restarts_and_replaced_only_when_taken(layout: Layout) -> None:
    first = layout.choose_ports(frozenset())
    assert set(first) == set(PORT_NAMES)
    assert len(set(first.values())) == len(PORT_NAMES)
    assert layout.choose_ports(frozenset()) == first
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", first["kwok"]))
        taker.listen()
        assert not is_free(first["kwok"])
        second = layout.choose_ports(frozenset())
        assert second["kwok"] != first["kwok"]
        assert {**second, "kwok": 0} == {**first, "kwok": 0}
        # A port that is taken by our own running part stays.
        (layout.folder / "ports.json").write_text(json.dumps(first))
        assert layout.choose_ports(frozenset({"kwok"})) == first
    assert sandboxes() == ["unit"]


def test_the_state_of_a_sandbox_is_for_its_user_only(layout: Layout) -> None:
    certificates.ensure(layout.pki)
    assert layout.folder.stat().st_mode & 0o077 == 0
    assert [key.name for key in layout.pki.glob("*.key") if key.stat().st_mode & 0o077] == []


def start_sleeper(layout: Layout, *command: str) -> processes.Record:
    return processes.spawn(
        command or ("/bin/sleep", "60"), run_file=layout.run / "x.json", log=layout.logs / "x.log", digest="d"
    )


def test_a_daemon_runs_in_a_session_of_its_own_and_its_output_goes_to_the_log(layout: Layout) -> None:
    record = start_sleeper(layout, "/bin/sh", "-c", "echo out; echo err >&2; exec sleep 60")
    try:
        assert os.getsid(record.pid) == record.pid
        give_up = time.monotonic() + 10
        while (layout.logs / "x.log").read_text() != "out\nerr\n" and time.monotonic() < give_up:
            time.sleep(0.01)
        assert (layout.logs / "x.log").read_text() == "out\nerr\n"
        assert processes.read(layout.run / "x.json") == record
        assert processes.memory(record.pid) > 0
    finally:
        processes.end([layout.run / "x.json"])
    assert processes.started_at(record.pid) is None
    assert not (layout.run / "x.json").exists()


def test_a_daemon_that_does_not_listen_is_ended_by_force(layout: Layout) -> None:
    record = start_sleeper(
        layout,
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
    )
    give_up = time.monotonic() + 10
    while "deaf" not in (layout.logs / "x.log").read_text() and time.monotonic() < give_up:
        time.sleep(0.01)
    processes.end([layout.run / "x.json"], patience=0.2)
    assert processes.started_at(record.pid) is None


def test_a_daemon_that_died_counts_as_gone(layout: Layout) -> None:
    record = start_sleeper(layout)
    os.kill(record.pid, signal.SIGKILL)
    give_up = time.monotonic() + 10
    while processes.read(layout.run / "x.json") and time.monotonic() < give_up:
        time.sleep(0.01)
    assert processes.read(layout.run / "x.json") is None


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(layout: Layout) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        run_file = layout.run / "x.json"
        run_file.write_text(json.dumps({"pid": stranger.pid, "started": "earlier boot:1", "digest": "d"}))
        assert processes.read(run_file) is None
        processes.end([run_file], patience=0)
        assert stranger.poll() is None
        assert not run_file.exists()
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"pid": 1}'])
def test_a_damaged_run_file_counts_as_not_running(layout: Layout, text: str) -> None:
    (layout.run / "x.json").write_text(text)
    assert processes.read(layout.run / "x.json") is None


def test_certificates_are_made_once_and_again_before_they_end(layout: Layout) -> None:
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    pki, new = certificates.ensure(layout.pki, now)
    first = pki.authority.read_bytes()
    tokens = pki.service_accounts.key.read_bytes()
    assert new
    assert certificates.ensure(layout.pki, now + dt.timedelta(days=365))[1] is False
    assert certificates.ensure(layout.pki, now + dt.timedelta(days=3640))[1] is True
    assert pki.authority.read_bytes() != first
    assert pki.service_accounts.key.read_bytes() == tokens


def test_certificates_that_are_not_valid_yet_are_made_anew(layout: Layout) -> None:
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    certificates.ensure(layout.pki, now)
    assert certificates.ensure(layout.pki, now - dt.timedelta(days=30))[1] is True


def test_the_server_certificate_is_accepted_by_a_strict_client(layout: Layout) -> None:
    pki, _ = certificates.ensure(layout.pki)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.authority))
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(pki.pair("server").certificate, pki.pair("server").key)
    client = ssl.create_default_context(cafile=str(pki.authority))
    # What Python 3.13 and later ask by default.
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_cert_chain(pki.pair("admin").certificate, pki.pair("admin").key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
    ]
    done: set[int] = set()
    for _ in range(10):
        for number, end in enumerate(ends):
            try:
                end.do_handshake()
                done.add(number)
            except ssl.SSLWantReadError:
                pass
    assert done == {0, 1}
    subject = x509.load_pem_x509_certificate(pki.pair("admin").certificate.read_bytes()).subject
    assert subject.rfc4514_string() == "CN=sandbox-admin,O=system:masters"


def test_the_kubeconfig_stands_alone_and_is_also_yaml(layout: Layout) -> None:
    pki, _ = certificates.ensure(layout.pki)
    text = certificates.kubeconfig(pki, "admin", "https://127.0.0.1:1", layout.context)
    config = yaml.safe_load(text)
    assert config["current-context"] == "ggi-sandbox-unit"
    assert str(layout.folder) not in text


def test_a_part_restarts_when_what_it_reads_changes(layout: Layout) -> None:
    pki, _ = certificates.ensure(layout.pki)
    ports = layout.choose_ports(frozenset())
    programs = {name: Path(name) for name in ("etcd", "kube-apiserver", *controlplane._CLIENTS)}

    def digests() -> dict[str, str]:
        return {name: part.digest() for name, part in parts(layout, ports, pki, programs).items()}

    layout.stages.write_text("a")
    before = digests()
    assert digests() == before
    layout.stages.write_text("b")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == {"kwok"}


def test_every_part_is_bound_to_loopback(layout: Layout) -> None:
    pki, _ = certificates.ensure(layout.pki)
    programs = {name: Path(name) for name in ("etcd", "kube-apiserver", *controlplane._CLIENTS)}
    for part in parts(layout, layout.choose_ports(frozenset()), pki, programs).values():
        text = " ".join(part.command)
        assert "127.0.0.1" in text
        assert "0.0.0.0" not in text  # noqa: S104 - the absence is what is tested


def test_every_stage_has_a_name_of_its_own_and_one_kind() -> None:
    found = kwok.stages()
    names = [stage["metadata"]["name"] for stage in found]
    assert len(names) == len(set(names))
    assert all(set(stage["spec"]["resourceRef"]) == {"apiGroup", "kind"} for stage in found)
    assert not any("resourceRefs" in stage["spec"] for stage in found)


def test_every_simulated_status_of_an_operator_says_that_it_is_simulated() -> None:
    silent = [
        stage["metadata"]["name"]
        for stage in kwok.stages()
        if "." in stage["spec"]["resourceRef"]["apiGroup"] and "imulated" not in str(stage) and "kwok" not in str(stage)
    ]
    # A completed Backup has no field for a message, only for a name.
    assert silent == []


def test_nodes_are_spread_over_three_zones() -> None:
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in kwok.nodes()}
    assert len(zones) == 3


def test_a_region_elsewhere_may_name_its_storage_otherwise() -> None:
    found = content.cluster_objects(content.Offers(block=("fast",), shared=("files",)))
    provisioners = {item["metadata"]["name"]: item["provisioner"] for item in found if item["kind"] == "StorageClass"}
    assert provisioners["fast"] == "block.sandbox.ggi"
    assert provisioners["files"] == "shared.sandbox.ggi"
    default = [item["metadata"]["name"] for item in found if "is-default-class" in str(item)]
    assert default == ["standard"]


def write_crds(folder: Path) -> None:
    folder.mkdir(parents=True)
    documents = [
        {
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.test"},
            "spec": {"conversion": {"strategy": "Webhook"}},
            "status": {"conditions": []},
        },
        {"kind": "ValidatingAdmissionPolicy", "metadata": {"name": "no"}},
        None,
    ]
    (folder / "a.yaml").write_text(yaml.safe_dump_all(documents))


def test_crds_are_taken_from_the_module_once_without_what_needs_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_crds(tmp_path / "module/crd")
    asked: list[str] = []

    def fetched(go: Path, module: str, version: str) -> Path:
        asked.append(f"{module}@{version}")
        return tmp_path / "module"

    monkeypatch.setattr(crds, "module_dir", fetched)
    monkeypatch.setattr(crds, "go_toolchain", lambda report: Path("go"))
    monkeypatch.setattr(crds, "SOURCES", (crds.CrdSource("Things", "example.test/x", "v1", ("crd/*.yaml",)),))
    first = crds.definitions(lambda line: None)
    assert first == [{"kind": "CustomResourceDefinition", "metadata": {"name": "things.example.test"}, "spec": {}}]
    assert crds.definitions(lambda line: None) == first
    assert asked == ["example.test/x@v1"]


def test_a_module_without_the_crds_that_we_want_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crds, "module_dir", lambda go, module, version: tmp_path)
    monkeypatch.setattr(crds, "go_toolchain", lambda report: Path("go"))
    monkeypatch.setattr(crds, "SOURCES", (crds.CrdSource("Things", "example.test/x", "v1", ("crd/*.yaml",)),))
    with pytest.raises(WorkError, match="has no CRD"):
        crds.definitions(lambda line: None)
    assert not crds.SOURCES[0].cached.exists()


def test_a_module_that_cannot_be_fetched_is_an_error_that_says_why(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\necho \'{"Error": "no such host"}\'\nexit 1\n')
    go.chmod(0o755)
    with pytest.raises(WorkError, match="no such host"):
        gobuild.module_dir(go, "example.test/x", "v1")


def test_a_sandbox_that_was_never_started_is_stopped_and_has_no_kubeconfig() -> None:
    answer = controlplane.status("never")
    assert (answer["state"], answer["server"], answer["kubeconfig"]) == ("stopped", None, None)
    assert controlplane.stop("never") is False
    assert controlplane.reset("never") is False
    with pytest.raises(WorkError, match="no sandbox never"):
        controlplane.kubeconfig("never")
    assert not Layout.of("never").folder.exists()
