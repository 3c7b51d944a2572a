"""Every write of every engine leaves a trail, is asked for a change number, and needs whom the inventory wants."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from ggi.app.deploying import lost_by_update
from ggi.app.operations import ChangeRequest, Operation
from ggi.app.platform import RealPlatform
from ggi.assurance.dossier import dossier, period
from ggi.assurance.identity import proof_of_cluster
from ggi.assurance.signing import public_key, ssh_line
from ggi.assurance.trail import Record, add, read_trail, trail_file
from ggi.cli.main import main
from ggi.engine.events import EngineResult, Event
from ggi.engine.kubehttp import ApiError
from ggi.engine.pulumi_stack import PulumiStack
from ggi.engine.target import POLICY_PACK, Target
from ggi.errors import InputError, WorkError
from ggi.hosts.playbook import PlaybookRun, TaskChange
from ggi.inventory.models import ChangeRules
from ggi.inventory.stack import Stack
from ggi.paths import ROOT
from sandbox.hosts.authority import SERVER, Authority
from tests.unit.m365.place import book

TENANT, NETWORK = "m365-rijnstad", "net-rijnstad"
CHANGE = ("--change", "W2611-0300")
URGENT = (*CHANGE, "--urgent", "--reason", "A leak is mended with this.")
ALWAYS = "2020-01-01..2099-12-31"
OTHER = {"user": "ciso", "host": "other-machine"}
OLD = Path(__file__).parent / "trails" / "gm9901-prod.jsonl"
"""Written by the version before proofs: an update, one that was refused, one that was urgent and approved, one that
failed and one without end."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content_once: None) -> Path:
    """A state folder of its own; content that is read once."""
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("ggi.cookbook.content.load_cookbook", lambda roots: book())
    return tmp_path


def lines(stack: str, sandbox: str | None = None) -> list[Record]:
    """The trail of a stack, which is whole."""
    trail = read_trail(trail_file(stack, sandbox), stack)
    assert not trail.problems
    return list(trail.records)


def shown(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert main([*words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def somebody_else(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, another person types."""
    return lambda: monkeypatch.setattr("ggi.assurance.identity.identity", lambda **_: OTHER)


# -- Microsoft 365 -----------------------------------------------------------------------------------------------------


def m365(action: str, *words: str) -> int:
    return main(["m365", action, *words, "--sandbox", "--yes"])


def test_apply_and_release_of_m365_leave_a_trail_that_the_dossier_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert m365("apply", TENANT, "--only", "TG-03", "--stage", "apply", *CHANGE) == 0
    assert m365("release", "TG-03", TENANT, "--restore", *CHANGE) == 0
    begun, ended, released, end = lines(TENANT, "default")
    assert [begun["operation"], released["operation"]] == ["apply", "release"]
    assert begun["change"] == "W2611-0300" and begun["where"] == {"context": "stand-in default", "sandbox": True}
    assert [(x["outcome"], x["changes"]) for x in (ended, end)] == [("done", {"update": 1})] * 2
    assert begun["who"]["proven"] == {"by": "stand-in default", "user": f"application stand-in-{TENANT}"}
    assert released["who"]["proven"] == begun["who"]["proven"]
    found = shown(capsys, "dossier", TENANT, "--sandbox", "--period", ALWAYS)
    assert [item["operation"] for item in found["population"]] == ["apply", "release"]
    assert f"proven: application stand-in-{TENANT} by stand-in default" in found["population"][0]["who"]
    assert found["compared"] == [] and found["problems"] == []
    assert main(["dossier", TENANT, "--sandbox", "--period", ALWAYS]) == 0
    assert "could not be compared" not in capsys.readouterr().out, "Graph keeps no history of updates"


def test_an_administrator_who_signed_in_is_the_one_whom_graph_knows() -> None:
    # TA-02 can be read by an administrator alone.
    assert m365("apply", TENANT, "--only", "TA-02", "--stage", "apply") == 0
    assert lines(TENANT, "default")[0]["who"]["proven"]["user"] == f"administrator@{TENANT}.test"


def test_a_plan_that_breaks_an_invariant_is_refused_in_the_trail_even_when_it_is_urgent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (CHANGE, URGENT):
        assert m365("apply", TENANT, "--only", "EN-03", "--only", "EN-08", "--stage", "apply", *words) == 1
    assert "can't be enforced while EN-08 is not applied" in capsys.readouterr().err
    assert [line["kind"] for line in lines(TENANT, "default")] == ["refused", "refused"]
    (found, _) = shown(capsys, "dossier", TENANT, "--sandbox", "--period", ALWAYS)["population"]
    assert "EN-08 is not applied" in found["outcome"] and found["outcome"].startswith("refused")


def test_a_write_that_does_not_stick_fails_in_the_trail_with_what_was_written_before() -> None:
    words = ("--only", "TG-03", "--only", "SF-01", "--stage", "apply")
    assert main(["m365", "stand-in", "revoke", TENANT, "Policy.ReadWrite.Authorization"]) == 0
    assert m365("apply", TENANT, *words) == 1
    end = lines(TENANT, "default")[-1]
    assert (end["outcome"], end["fingerprint"]) == ("failed", "")
    assert end["changes"] == {"update": 1}


# -- hosts -------------------------------------------------------------------------------------------------------------


@dataclass
class FakePlaybook:
    """Stands for a run of Ansible: what it changes, what fails, or what it raises."""

    changes: int = 2
    failed: str = ""
    raises: type[BaseException] | None = None
    runs: int = 0

    def __call__(self, stacks: Sequence[str], *, check: bool, **_: Any) -> PlaybookRun:
        self.runs += 1
        if self.raises:
            raise self.raises
        found = PlaybookRun(check, hosts={f"{stacks[0]}-rad1"})
        found.changes = [TaskChange(f"{stacks[0]}-rad1", "freeradius", str(n)) for n in range(self.changes)]
        found.failed = {f"{stacks[0]}-rad1": self.failed} if self.failed else {}
        return found


@pytest.fixture
def playbook(place: Path, monkeypatch: pytest.MonkeyPatch) -> FakePlaybook:
    """Real hosts of Rijnstad, with all inputs supplied, and no Ansible."""
    eap = Authority.new("eap")
    name = "radius.rijnstad.test"
    supplied = {
        "rijnstad": {
            "govroam": {
                "national": {
                    "transport": "radsec",
                    "proxies": {"p1": {"address": "198.51.100.1", "name": "p1.national.test"}},
                    "authorities": eap.pem,
                },
                "eap": {"authority": eap.pem, "client_authority": eap.pem},
                "retention_days": 183,
            }
        }
    }
    (place / "supplied.yaml").write_text(yaml.safe_dump(supplied), encoding="utf-8")
    monkeypatch.setenv("GGI_HOSTS_SUPPLIED", str(place / "supplied.yaml"))
    given = place / "given" / NETWORK / "certificates" / "eap.pem"
    given.parent.mkdir(parents=True)
    given.write_text(eap.issue(name, [name], [SERVER]).certificate, encoding="utf-8")
    monkeypatch.setenv("GGI_SECRETS_DIR", str(place / "given"))
    found = FakePlaybook()
    monkeypatch.setattr("ggi.hosts.playbook.run_ansible", found)
    return found


def test_changes_of_real_hosts_need_a_number_and_leave_a_trail_that_the_dossier_shows(
    playbook: FakePlaybook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What servers have is read over SSH; these were never set up.
    monkeypatch.setattr("ggi.app.hosts.installed_certificates", lambda network: [])
    for action in ("apply", "renew-certificate"):
        assert main(["hosts", action, NETWORK, "--yes"]) == 2
        assert "needs a number" in capsys.readouterr().err
        assert main(["hosts", action, NETWORK, "--yes", *CHANGE]) == 0
    assert playbook.runs == 2
    first, end, second, _ = lines(NETWORK)
    assert [first["operation"], second["operation"]] == ["apply", "renew-certificate"]
    assert first["where"] == {"context": "all hosts", "sandbox": False}
    assert (end["outcome"], end["changes"]) == ("done", {"update": 2})
    found = shown(capsys, "dossier", NETWORK, "--period", ALWAYS)
    assert [(item["change"], item["outcome"]) for item in found["population"]] == [("W2611-0300", "done")] * 2
    assert found["population"][0]["who"].endswith("stated")
    assert main(["dossier", NETWORK, "--period", ALWAYS]) == 0
    assert "could not be compared" not in capsys.readouterr().out, "Ansible keeps no history of runs"


def test_writes_to_a_real_tenant_need_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["apply", TENANT], ["release", "TG-03", TENANT, "--restore"]):
        assert main(["m365", *words, "--yes"]) == 2
        assert "a change of m365-rijnstad needs a number" in capsys.readouterr().err
    assert lines(TENANT) == []


def test_a_run_that_fails_or_is_stopped_says_so(playbook: FakePlaybook) -> None:
    playbook.failed = "install: no such package"
    assert main(["hosts", "apply", NETWORK, "--yes", *CHANGE]) == 1
    playbook.raises = KeyboardInterrupt
    assert main(["hosts", "apply", NETWORK, "--yes", *CHANGE]) == 130
    ends = [line for line in lines(NETWORK) if line["kind"] == "end"]
    assert [(end["outcome"], end["changes"]) for end in ends] == [("failed", {"update": 2}), ("interrupted", {})]


def test_open_inputs_are_refused_in_the_trail(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hosts", "apply", NETWORK, "--yes", *URGENT]) == 2
    (line,) = lines(NETWORK)
    assert line["kind"] == "refused" and len(line["why"]) == 4
    (item,) = shown(capsys, "dossier", NETWORK, "--period", ALWAYS)["population"]
    assert "how many days log-ins are kept is missing" in item["outcome"]


def test_what_is_urgent_waits_for_another_person_on_every_kind_of_stack(
    playbook: FakePlaybook, somebody_else: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hosts", "apply", NETWORK, "--yes", "--urgent"]) == 2
    assert "--urgent needs a ticket and a reason" in capsys.readouterr().err
    assert main(["hosts", "apply", NETWORK, "--yes", *URGENT]) == 0
    assert "This was urgent" in capsys.readouterr().err
    assert m365("apply", TENANT, "--only", "TG-03", "--stage", "apply", *URGENT) == 0
    waiting = shown(capsys, "waivers", "gm9901", code=1)["urgent"]
    assert [(item["stack"], item["number"]) for item in waiting] == [(NETWORK, 1), (TENANT, 1)]
    assert shown(capsys, "waivers", "gm9903", code=0)["urgent"] == []
    assert main(["approve", NETWORK, "1", "--role", "CISO"]) == 2
    somebody_else()
    assert main(["approve", NETWORK, "1", "--role", "CISO"]) == 0
    assert main(["approve", TENANT, "1", "--role", "CISO", "--sandbox"]) == 0
    assert shown(capsys, "waivers", "gm9901")["urgent"] == []


# -- two people --------------------------------------------------------------------------------------------------------

TWO = ChangeRules(two_people=["prod"])
LOST = ["postgresql/PersistentVolumeClaim/data"]


def operation(rules: ChangeRules = TWO, change: str = "W1") -> Operation:
    return Operation("up", Stack.parse("gm9901-prod"), RealPlatform(), ChangeRequest(change), rules, lambda _: None)


def asked(rules: ChangeRules = TWO, change: str = "W1", lost: Sequence[str] = LOST, fingerprint: str = "f1") -> str:
    """What somebody is told who wants to lose data; empty when it may go on."""
    try:
        operation(rules, change).second_person(lost, fingerprint)
    except WorkError as error:
        return str(error)
    return ""


def run(change: str = "W1", rules: ChangeRules = TWO) -> Record:
    """An operation that loses data; returns its first line."""
    found = operation(rules, change)
    found.second_person(LOST, "f1")
    with found.run(fingerprint="f1") as going:
        return going.begun


def test_what_loses_data_waits_for_another_person_and_goes_on_once(
    somebody_else: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ggi approve gm9901-prod 1 --role ROLE" in asked()
    assert "approve gm9901-prod 1" in asked(), "the same question is the same request"
    with pytest.raises(InputError, match="does not approve it"):
        operation().approve(1, "CISO")
    with monkeypatch.context() as other:
        other.setattr("ggi.assurance.identity.identity", lambda **_: OTHER)
        operation().approve(1, "CISO", "Looked at the backup.")
        with pytest.raises(InputError, match="nothing 1 to approve"):
            operation().approve(1, "CISO")
        assert asked(), "whoever approved does not do it"
    for changed in ({"change": "W2"}, {"fingerprint": "f2"}, {"lost": ["redis/PersistentVolumeClaim/data"]}):
        assert asked(**changed), "it was another thing that was approved"  # type: ignore[arg-type]
    second = run()["approval"]["second"]
    assert second == {"request": 1, "by": OTHER, "role": "CISO", "proven": ""}
    assert "a second person" in asked(), "an approval is good for one operation"


def test_nobody_is_asked_in_a_sandbox_or_where_the_inventory_does_not_want_it() -> None:
    assert asked(ChangeRules()) == ""
    assert asked(ChangeRules(two_people=["accp"])) == ""
    assert asked(lost=[]) == ""


# -- proven and stated -------------------------------------------------------------------------------------------------


@dataclass
class Role:
    """A role with a key, and what the inventory says of it."""

    name: str
    key: Ed25519PrivateKey
    file: Path

    @classmethod
    def new(cls, name: str, folder: Path) -> Role:
        key, file = Ed25519PrivateKey.generate(), folder / f"{name}.pem"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(key.private_bytes(*form))
        return cls(name, key, file)

    def rules(self, approval: str = "stated") -> ChangeRules:
        listed = {self.name: [ssh_line(self.key.public_key())]}
        return ChangeRules.model_validate({"two_people": ["prod"], "approvers": listed, "approval": approval})


def approvals(rules: ChangeRules) -> list[str]:
    """What the dossier says of approvals, and of the trail."""
    trail = read_trail(trail_file("gm9901-prod", None), "gm9901-prod", rules)
    found = dossier((), period(ALWAYS), [trail])
    return [item.approval for item in found.population] + [problem.message for problem in found.problems]


def test_a_key_of_the_inventory_proves_an_approval_and_another_is_refused(
    place: Path, somebody_else: Callable[[], None]
) -> None:
    ciso, other = Role.new("CISO", place), Role.new("other", place)
    rules = ciso.rules("proven")
    assert asked(rules)
    me = operation(rules)
    somebody_else()
    with pytest.raises(InputError, match="nothing proves who you are"):
        operation(rules).approve(1, "CISO")
    with pytest.raises(InputError, match="not one of CISO in the inventory"):
        operation(rules).approve(1, "CISO", key=other.file)
    with pytest.raises(InputError, match="not one of directeur in the inventory"):
        operation(rules).approve(1, "directeur", key=ciso.file)
    operation(rules).approve(1, "CISO", "Seen.", ciso.file)
    me.__dict__["_who"] = {"user": "beheer", "host": "x"}
    me.second_person(LOST, "f1")
    with me.run(fingerprint="f1") as going:
        assert going.begun["approval"]["second"]["proven"] == "signature"
    assert approvals(rules) == ["CISO: proven by signature of CISO"]


def test_what_an_update_loses_is_found_without_the_controls_and_though_nothing_like_it_is_left(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An urgent update has no line in the trail yet, so that the policy pack would refuse the look itself."""
    steps = (
        Event("openforms/PersistentVolumeClaim/media", "kubernetes:core/v1:PersistentVolumeClaim", "delete", done=True),
        Event("openforms/Deployment/web", "kubernetes:apps/v1:Deployment", "delete", done=True),
        Event("postgresql/Cluster/main", "kubernetes:postgresql.cnpg.io/v1:Cluster", "update", done=True),
    )
    told: list[dict[str, str]] = []

    def preview(self: PulumiStack, on_step: Any = None) -> EngineResult:
        told.append(dict(self._environment))
        return EngineResult({}, (), 0.0, steps)

    monkeypatch.setattr(PulumiStack, "preview", preview)
    target = Target("gm9901-prod", False, Path("pulumi"), f"file://{place}", None, "none", "midden", place)
    stack = PulumiStack(target)
    found = lost_by_update(stack, replace(target.run_context(), downgrade=True), lambda event: None)
    assert found == ["openforms/PersistentVolumeClaim/media"]
    assert POLICY_PACK not in told[0]
    assert told[0]["GGI_DOWNGRADE"] == "1"
    stack.preview()
    assert POLICY_PACK in told[1]
    assert "GGI_DOWNGRADE" not in told[1]


def test_a_stated_approval_counts_only_where_the_inventory_takes_it(somebody_else: Callable[[], None]) -> None:
    assert asked()
    path = trail_file("gm9901-prod", None)
    add(path, "gm9901-prod", {"kind": "approval", "of": 1, "role": "CISO", "remark": "", "who": OTHER})
    assert asked(ChangeRules(two_people=["prod"], approval="proven"))
    system = {**OTHER, "proven": {"by": "https://gitlab.rijnstad.test", "user": "ciso"}}
    assert asked() == ""
    add(path, "gm9901-prod", {"kind": "approval", "of": 1, "role": "CISO", "remark": "", "who": system})
    assert asked(ChangeRules(two_people=["prod"], approval="proven")) == ""


@pytest.mark.parametrize("change", ["role", "remark", "of", "signature", "another key"])
def test_a_forged_signature_is_a_problem_of_the_trail_and_approves_nothing(
    place: Path, somebody_else: Callable[[], None], change: str
) -> None:
    ciso = Role.new("CISO", place)
    rules = ciso.rules()
    assert asked(rules) and asked(rules, "W2")
    with pytest.MonkeyPatch.context() as other:
        other.setattr("ggi.assurance.identity.identity", lambda **_: OTHER)
        good = operation(rules).approve(1, "CISO", "Seen.", ciso.file)
    forged = {key: good[key] for key in ("kind", "of", "role", "remark", "who", "signature")}
    forged |= {"role": {"role": "directeur"}, "remark": {"remark": "Fine."}, "of": {"of": 2}}.get(change, {})
    if change == "signature":
        forged["signature"] = "AAAA" + forged["signature"][4:]
    if change == "another key":
        rules = Role.new("CISO", place).rules()
    else:
        add(trail_file("gm9901-prod", None), "gm9901-prod", forged)
    assert "no key of the inventory signed this approval for that role" in approvals(rules)[-1]
    assert asked(rules, "W2"), "what was approved is the first request, by the first key"
    assert (asked(rules) == "") is (change != "another key")


class FakeApi:
    """An API server that knows us as somebody, or refuses to say."""

    context = "midden"

    def __init__(self, user: str | None) -> None:
        self.user = user

    def request(self, method: str, path: str, *, body: Any) -> Any:
        assert (method, path) == ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews")
        if self.user is None:
            raise ApiError(403, "Forbidden", "no")
        return {**body, "status": {"userInfo": {"username": self.user, "groups": ["system:authenticated"]}}}


def test_a_cluster_proves_whom_it_authenticated() -> None:
    found = [proof_of_cluster(FakeApi(user)) for user in ("oidc:anna", "system:anonymous", None)]  # type: ignore[arg-type]
    assert found == [{"by": "kubernetes midden", "user": "oidc:anna"}, None, None]


@pytest.mark.parametrize("page", ["en/deviations-and-evidence.md", "nl/afwijkingen-en-bewijs.md"])
def test_the_rules_that_the_pages_show_are_rules(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(changes:.*?)```", text, re.S)
    rules = ChangeRules.model_validate(yaml.safe_load(block)["changes"])
    assert (rules.approval, rules.two_people) == ("proven", ["prod"])
    assert all(public_key(line.encode()) for lines in rules.approvers.values() for line in lines)
    with pytest.raises(ValidationError):
        ChangeRules.model_validate({"issuers": {"http://gitlab.rijnstad.test": ["beheer/landschap"]}})
    with pytest.raises(ValidationError):
        ChangeRules.model_validate({"approvers": {"CISO": [f"{rules.approvers['CISO'][0]} anna@laptop"]}})


# -- rotation ----------------------------------------------------------------------------------------------------------


def test_an_update_that_rotates_secrets_says_so() -> None:
    def up(current: int, *accept: int, fails: bool = False) -> None:
        found = operation(ChangeRules())
        found.rotation = {"current": current, "accept": list(accept)}
        with found.run() as going:
            going.failed = fails

    up(2)
    up(2)
    up(2, 3)
    up(3, 2, fails=True)
    up(3, 2)
    trail = read_trail(trail_file("gm9901-prod", None), "gm9901-prod")
    assert trail.records[0]["rotation"] == {"current": 2, "accept": []}
    assert [item.operation for item in dossier((), period(ALWAYS), [trail]).population] == [
        "up",
        "up",
        "up; rotation 2 -> 2 (accepts 3)",
        "up; rotation 2 (accepts 3) -> 3 (accepts 2)",
        "up; rotation 2 (accepts 3) -> 3 (accepts 2)",
    ]


# -- what was there before ---------------------------------------------------------------------------------------------


def test_a_trail_of_the_version_before_is_read_shown_and_added_to(capsys: pytest.CaptureFixture[str]) -> None:
    path = trail_file("gm9901-prod", None)
    path.parent.mkdir(parents=True)
    path.write_bytes(OLD.read_bytes())
    found = shown(capsys, "dossier", "gm9901", "--period", "2026-10")
    assert found["problems"] == []
    assert [item["outcome"] for item in found["population"]] == [
        "done", "refused by the controls", "done", "failed", "without end",
    ]  # fmt: skip
    assert found["population"][1]["who"] == "beheer@werkplek (GitLab beheerder-1 81); stated"
    assert found["population"][2]["approval"] == "CISO, 2026-10-06: ciso@werkplek-2; stated"
    with operation(ChangeRules()).run():
        pass
    assert [line["kind"] for line in lines("gm9901-prod")[-2:]] == ["begin", "end"]
