"""Evidence bundles: the same bytes for the same audit, no secret in them, and no change that goes unnoticed."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import random
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ggi.assurance.bundle import (
    ATTESTATION,
    SIGNATURE,
    SIGNER,
    SUMS,
    archive,
    bundle,
    input_files,
    signed,
    verify,
    without_secrets,
)
from ggi.assurance.signing import fingerprint, own_key, own_key_file, pem, private_key
from ggi.audit.audit import Audit, Place, run_audit
from ggi.catalogue.content import load_catalogue
from ggi.cli.main import main
from ggi.controls.load import load_controls
from ggi.controls.observation import Facts
from ggi.controls.subjects import of_landscape, of_objects
from ggi.errors import InputError
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
FILES = {"a.json": b'{"x": 1}\n', "inputs/b.yaml": b"y: 2\n", "results.json": b"[]\n"}
SMALL = archive(signed(FILES, KEY))
CANARY = "kanarie-4f1d9b"


@cache
def whole() -> tuple[Audit, dict[str, bytes], bytes]:
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    built = landscape(inventory.environment(inventory.tenant("gm9901"), "prod"), catalogue)
    facts = Facts(built, catalogue, inventory.registry)
    controls = load_controls(catalogue.roots)
    found = run_audit(facts, of_landscape(built), controls, Place.PLAN, dt.date(2026, 11, 22))
    inputs = input_files(inventory.root, catalogue.roots, [built.environment])
    return found, inputs, bundle([found], inputs, KEY)


def test_two_bundles_of_one_audit_are_the_same_bytes_and_whole() -> None:
    found, inputs, content = whole()
    assert bundle([found], dict(reversed(inputs.items())), KEY) == content
    checked = verify(content)
    assert not checked.faults
    assert checked.signer is not None
    assert pem(checked.signer) == pem(KEY.public_key())


def test_a_bundle_holds_what_the_verdicts_follow_from() -> None:
    _, _, content = whole()
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        names = set(opened.namelist())
        results = json.loads(opened.read("results.json"))
        judged = json.loads(opened.read("subjects.json"))["gm9901-prod"]
    assert {
        "inputs/inventory/national.yaml",
        "inputs/inventory/tenants/gm9901.yaml",
        "inputs/inventory/regions/midden.yaml",
        "inputs/content0/policies/waivers/gm9901.yaml",
        "inputs/content0/policies/controls/POD-001/control.yaml",
        "inputs/content0/stacks/releases/2026.3.yaml",
        "versions.json",
        SUMS,
        SIGNATURE,
        SIGNER,
    } <= names
    assert not [name for name in names if "gm9902" in name], "of other gemeenten nothing"
    assert results["audits"][0]["date"] == "2026-11-22"
    assert len(judged) > 100
    assert all(len(item["sha256"]) == 64 for item in judged)


@pytest.mark.parametrize("bit", [0, 7])
def test_any_flipped_bit_of_any_byte_is_noticed(bit: int) -> None:
    for number in range(len(SMALL)):
        changed = bytearray(SMALL)
        changed[number] ^= 1 << bit
        assert verify(bytes(changed)).faults, f"byte {number}"


def test_a_flipped_byte_anywhere_in_a_real_bundle_is_noticed() -> None:
    content = whole()[2]
    # A sample: each takes some milliseconds. The seed makes a failure repeatable.
    for number in random.Random(20261122).sample(range(len(content)), 120):  # noqa: S311
        changed = bytearray(content)
        changed[number] ^= 0x40
        assert verify(bytes(changed)).faults, f"byte {number}"


@given(st.integers(0, len(SMALL)), st.binary(min_size=1, max_size=9), st.integers(0, 9))
def test_whatever_is_put_in_the_place_of_something_is_noticed(at: int, new: bytes, removed: int) -> None:
    changed = SMALL[:at] + new + SMALL[at + removed :]
    assert changed == SMALL or verify(changed).faults


def rezipped(files: dict[str, bytes], order: list[str] | None = None, how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as made:
        for name in order or sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o644 << 16, how
            made.writestr(entry, files[name])
    return out.getvalue()


def test_what_was_done_to_which_file_is_told() -> None:
    files = signed(FILES, KEY)
    told = {
        "changed": archive({**files, "a.json": b'{"x": 2}\n'}),
        "removed": archive({k: v for k, v in files.items() if k != "a.json"}),
        "added": archive({**files, "z.json": b""}),
    }
    for word, content in told.items():
        (fault,) = verify(content).faults
        assert fault.file == {"added": "z.json"}.get(word, "a.json")
        assert word in fault.what
    assert "order" in str(verify(rezipped(files, order=sorted(files, reverse=True))).faults[0])
    assert "compressed" in str(verify(rezipped(files, how=zipfile.ZIP_DEFLATED)).faults[0])
    assert "container" in str(verify(SMALL + b"\0").faults[0])
    assert verify(b"").faults


def test_another_key_is_not_taken_for_the_signer_s() -> None:
    other = Ed25519PrivateKey.generate()
    files = signed(FILES, KEY)
    swapped = archive({**files, SIGNER: pem(other.public_key())})
    assert any(fault.file == SUMS for fault in verify(swapped).faults)
    again = verify(archive(signed({**FILES, "a.json": b"{}"}, other)))
    assert not again.faults, "whoever signs anew makes a whole bundle, but of another key"
    assert again.signer is not None
    assert fingerprint(again.signer) != fingerprint(KEY.public_key())


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_an_auditor_can_check_it_without_this_toolkit(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(SMALL)) as opened:
        opened.extractall(tmp_path)
    for line in (tmp_path / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("OpenSSL 3"):
        pytest.skip("openssl of before 3 has no -rawin")
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        SIGNER,
        "-rawin",
        "-in",
        SUMS,
        "-sigfile",
        SIGNATURE,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -- secrets -----------------------------------------------------------------------------------------------------------


def planted() -> list[dict[str, Any]]:
    """Live objects with a secret wherever one has been seen to leak."""
    value = base64.b64encode(CANARY.encode()).decode()
    note = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"x": CANARY}})}
    labels = {"app.kubernetes.io/name": "openzaak"}
    container = {
        "name": "web",
        "image": "x",
        "env": [{"name": "DB_PASSWORD", "value": CANARY}],
        "args": [f"--p={CANARY}"],
    }
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}

    def named(kind: str, **more: Any) -> dict[str, Any]:
        version = "apps/v1" if kind == "Deployment" else "v1"
        metadata = {"name": f"openzaak-{kind.lower()}", "labels": labels, "annotations": note}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}

    return [
        named("Secret", data={"password": value}, stringData={"token": CANARY}),
        named("ConfigMap", data={"DB_PASSWORD": CANARY, "DATABASE_URL": f"postgres://u:{CANARY}@h/d"}),
        named("Deployment", spec=spec),
    ]


def test_no_secret_of_the_cluster_or_of_a_file_is_in_a_bundle(tmp_path: Path) -> None:
    found, _, _ = whole()
    assert found.landscape is not None
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    (tmp_path / "inventories" / "stacks").mkdir(exist_ok=True)
    (tmp_path / "inventories" / "stacks" / "Pulumi.gm9901-prod.yaml").write_text(f"config: {{x: {CANARY}}}\n")
    tenant = tmp_path / "inventories" / "tenants" / "gm9901.yaml"
    tenant.write_text(f"{tenant.read_text(encoding='utf-8')}# password: {CANARY}\n", encoding="utf-8")
    catalogue = load_catalogue()
    facts = Facts(found.landscape, catalogue)
    subjects = of_objects(planted(), found.landscape)
    live = run_audit(facts, subjects, load_controls(catalogue.roots), Place.LIVE, found.date)
    assert live.failed, "what was planted is found"
    inputs = input_files(tmp_path / "inventories", catalogue.roots, [found.landscape.environment])
    content = bundle([live], inputs, KEY)
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode()):
        assert form.encode() not in content


@pytest.mark.parametrize(
    "text",
    [
        "smtp_password: kanarie-4f1d9b",
        "a: {api_key: kanarie-4f1d9b, b: 2}",
        'x: {"clientSecret": "kanarie-4f1d9b, with more"}',
        "# wachtwoord: 'kanarie-4f1d9b'",
        "key: |\n  -----BEGIN PRIVATE KEY-----\n  kanarie-4f1d9b\n  -----END PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nkanarie-4f1d9b",
    ],
)
def test_what_looks_like_a_secret_in_a_file_is_taken_out(text: str) -> None:
    assert CANARY not in without_secrets(text)


def test_what_is_no_secret_stays_as_it_was() -> None:
    for path in (ROOT / "inventories").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if "password" not in text and "secret" not in text.lower() and "token" not in text:
            assert without_secrets(text) == text, path


# -- keys and command --------------------------------------------------------------------------------------------------


def test_the_own_key_is_made_once_and_only_its_owner_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path))
    first = fingerprint(own_key().public_key())
    assert fingerprint(own_key().public_key()) == first
    assert own_key_file().stat().st_mode & 0o777 == 0o600


def test_a_key_in_the_form_of_openssh_signs_too_and_another_kind_is_refused(tmp_path: Path) -> None:
    form = serialization.PrivateFormat.OpenSSH
    none, best = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"secret")
    (tmp_path / "ssh").write_bytes(KEY.private_bytes(serialization.Encoding.PEM, form, none))
    assert fingerprint(private_key(tmp_path / "ssh").public_key()) == fingerprint(KEY.public_key())
    locked = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, best)
    for content in (b"", b"no key", locked):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(InputError):
            private_key(tmp_path / "bad")


@pytest.mark.usefixtures("content_once")
def test_an_audit_writes_a_bundle_that_verifies_and_says_whose_key_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    file, other = tmp_path / "e.zip", tmp_path / "other.pem"
    assert main(["audit", "gm9901", "--date", "2026-11-22", "--bundle", str(file)]) == 0
    other.write_bytes(pem(KEY.public_key()))
    capsys.readouterr()
    assert main(["audit", "verify", str(file)]) == 0
    assert "your own key" in capsys.readouterr().out
    assert main(["audit", "verify", str(file), "--key", str(own_key_file())]) == 0
    assert main(["audit", "verify", str(file), "--key", str(other)]) == 1
    capsys.readouterr()
    file.write_bytes(file.read_bytes()[:-1])
    assert main(["audit", "verify", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["intact"] is False
    assert main(["audit", "verify", str(tmp_path / "none.zip")]) == 2


def test_the_attestation_verifies_with_the_library_of_those_who_made_the_envelope() -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    found, _, content = whole()
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    read = Envelope.from_dict(json.loads(files[ATTESTATION]))
    key = SSlibKey.from_crypto(KEY.public_key(), read.signatures and next(iter(read.signatures)))
    read.verify([key], 1)
    said = json.loads(read.payload)
    hashed = {one["name"]: one["digest"]["sha256"] for one in said["subject"]}
    assert hashed == {
        name: hashlib.sha256(text).hexdigest()
        for name, text in files.items()
        if name not in (ATTESTATION, SUMS, SIGNATURE, SIGNER)
    }
    predicate = said["predicate"]
    assert predicate["result"] == ("FAILED" if found.failed else "WARNED")
    assert set(predicate["failedTests"]) == {f.control for f in found.failed}
    assert "IMG-003" in predicate["warnedTests"], "what was not judged is no pass"
    read.payload += b" "
    with pytest.raises(VerificationError):
        read.verify([key], 1)
