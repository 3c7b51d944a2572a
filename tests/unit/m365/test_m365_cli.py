"""The commands as people type them, on a stand-in tenant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ggi.cli.main import main
from ggi.cookbook.content import Cookbook, load_cookbook
from ggi.cookbook.product import GRAPH
from ggi.cookbook.runner import ProcessRunner
from ggi.inventory.m365 import Stage
from ggi.paths import ROOT
from sandbox.graph.pwsh import Shell
from tests.unit.m365.place import World, book, rijnstad, wanted

TENANT = "m365-rijnstad"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own."""
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GGI_LANG", "en")
    return tmp_path


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Cookbook of the checkout is read by every command; once is enough for all tests."""

    def load(roots: Sequence[Path]) -> Cookbook:
        return book() if list(roots) == [ROOT] else load_cookbook(roots)

    monkeypatch.setattr("ggi.cookbook.content.load_cookbook", load)


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in of the runner in this process; the first test starts it as a program."""

    async def execute(self: ProcessRunner, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.environment is not None
        shell = Shell(self.environment["GGI_STAND_IN"], self.environment["GGI_STAND_IN_TOKEN"])
        return await asyncio.to_thread(shell.execute, plan)

    monkeypatch.setattr(ProcessRunner, "run", execute)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard output of a command."""
    code = main(["m365", *words])
    return code, capsys.readouterr().out


def test_plan_apply_check_and_drift_of_a_fresh_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "plan", TENANT, "--sandbox", "--stage", "apply")
    assert code == 0
    assert "TG-03  Only administrators" in out
    assert "allowInvitesFrom: everyone -> one of" in out
    assert "users notice" in out and "needs: Policy.ReadWrite.Authorization" in out
    assert "stand-in tenant" in out

    code, out = run(capsys, "apply", TENANT, "--sandbox", "--stage", "apply", "--yes", "--json")
    assert code == 0
    assert len(json.loads(out)["written"]) == 45

    code, out = run(capsys, "check", TENANT, "--sandbox")
    assert code == 0
    assert f"{TENANT}: 55 recipes comply, 0 differ" in out

    code, out = run(capsys, "apply", TENANT, "--sandbox", "--stage", "apply", "--yes", "--json")
    assert (code, json.loads(out)["written"]) == (0, [])

    assert run(capsys, "drift", TENANT, "--sandbox")[0] == 0
    words = ("teams/meetingPolicy/Global", "AllowCloudRecording=true")
    assert run(capsys, "stand-in", "set", TENANT, *words)[0] == 0
    code, out = run(capsys, "drift", TENANT, "--sandbox", "--json")
    assert code == 1
    (found,) = json.loads(out)["changed"]
    assert (found["recipe"], found["was"], found["now"]) == ("TM-09", "false", "true")

    code, out = run(capsys, "stand-in", "revoke", TENANT, "SharePointTenantSettings.Read.All")
    assert code == 0 and "SharePointTenantSettings.ReadWrite.All" in out, "which gives reading too"
    code, out = run(capsys, "check", TENANT, "--sandbox", "--json")
    assert code == 1
    outcomes = {
        (r["recipe"], r["outcome"], r["reason"]) for r in json.loads(out)["recipes"] if r["outcome"] != "compliant"
    }
    unread = {("SF-01",), ("SF-03",), ("SF-05",), ("SF-07",)}
    assert outcomes == {("TM-09", "drift", "")} | {(r, "not readable", "permission") for (r,) in unread}


@pytest.mark.usefixtures("one_process")
def test_a_snapshot_is_audited_without_the_tenant_and_refused_when_it_was_changed(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    code, out = run(capsys, "snapshot", TENANT, "--sandbox", "--json")
    assert code == 0
    path = Path(json.loads(out)["file"])
    assert (
        main(["audit", TENANT, "--from", "state", "--sandbox", "--json", "--format", "html,oscal", "--out", str(state)])
        == 1
    )
    (audit,) = json.loads(capsys.readouterr().out)
    assert audit["simulated"] is True
    assert audit["counts"]["FAIL"] > 50
    assert {finding["control"] for finding in audit["findings"]} == set(book().recipes)
    html = (state / f"audit-{TENANT}.html").read_text(encoding="utf-8")
    assert "TG-03" in html and "Teams: meetings" in html
    assert "stand-in tenant" in html and "signed snapshot" in html
    assert "What is in the cluster" not in html and "pods are simulated" not in html
    assert json.loads((state / f"audit-{TENANT}.oscal.json").read_text(encoding="utf-8"))
    assert run(capsys, "stand-in", "set", TENANT, "entra/authorizationPolicy", "allowInvitesFrom=none")[0] == 0
    code, out = run(capsys, "drift", TENANT, "--sandbox", "--since", str(path), "--json")
    assert code == 1
    assert [(one["recipe"], one["now"], one["verdict"]) for one in json.loads(out)["changed"]] == [
        ("TG-03", "none", "compliant")
    ]
    assert run(capsys, "drift", TENANT, "--sandbox", "--since", str(path), "--offline")[0] == 0
    path.write_text(path.read_text(encoding="utf-8").replace("everyone", "none"), encoding="utf-8")
    assert main(["audit", TENANT, "--from", "state", "--sandbox"]) == 2
    assert "not as it was signed" in capsys.readouterr().err


@pytest.mark.usefixtures("one_process")
def test_a_snapshot_of_another_machine_is_verified_by_the_key_that_signed_it(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    theirs, public, other = state / "theirs.pem", state / "theirs.pub.pem", state / "other.pub.pem"
    made = Ed25519PrivateKey.generate()
    theirs.write_bytes(made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    for path, key in ((public, made), (other, Ed25519PrivateKey.generate())):
        path.write_bytes(key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    out = run(capsys, "snapshot", TENANT, "--sandbox", "--key", str(theirs), "--json")[1]
    file = json.loads(out)["file"]

    code, out = run(capsys, "verify", file, "--key", str(public))
    assert code == 0 and "as it was signed" in out and "stand-in" in out
    assert run(capsys, "verify", file)[0] == 0
    assert run(capsys, "verify", file, "--key", str(other), "--json")[0] == 1
    assert run(capsys, "drift", TENANT, "--sandbox", "--since", file)[0] == 2, "it is not signed with our own key"
    assert run(capsys, "drift", TENANT, "--sandbox", "--since", file, "--key", str(public))[0] == 0
    assert main(["m365", "drift", "m365-gm9903", "--sandbox", "--since", file, "--key", str(public)]) == 2
    assert "not of m365-gm9903" in capsys.readouterr().err
    # An audit takes it as well, says whose it is, and that a stand-in was looked at.
    main(["audit", TENANT, "--from", "state", "--state", file, "--json"])
    told = capsys.readouterr()
    assert "a key that is not known here" in told.err
    assert json.loads(told.out)[0]["simulated"] is True
    Path(file).write_text(Path(file).read_text(encoding="utf-8").replace("everyone", "none"), encoding="utf-8")
    assert run(capsys, "verify", file, "--key", str(public))[0] == 2


def test_the_stage_of_a_real_tenant_is_not_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["m365", "apply", TENANT, "--stage", "apply", "--yes"]) == 2
    assert "a decision that is written down" in capsys.readouterr().err


def test_a_real_tenant_asks_for_a_credential_and_never_for_a_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["m365", "check", TENANT]) == 2
    assert "AZURE_CLIENT_CERTIFICATE_PATH" in capsys.readouterr().err


def test_an_audit_can_not_look_at_the_plan_of_a_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", TENANT]) == 2
    assert "--from live" in capsys.readouterr().err


def test_the_permissions_that_are_printed_are_enough_for_everything(
    capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path
) -> None:
    from ggi.cookbook.permissions import manifest, program, rights

    found = rights(wanted(), book())
    granted = world.state.data["granted"]
    granted["application"], granted["delegated"] = list(found.application), list(found.delegated)
    granted["roles"] = list(found.roles)
    world.apply()
    assert all(outcome.value == "compliant" for found in world.outcomes().values() for outcome in found)
    made = manifest(rijnstad(), found)
    assert made["Microsoft Graph, delegated"] == {"TeamworkAppSettings.ReadWrite.All": ["TA-02"]}
    compile(program(rijnstad(), found), "__main__.py", "exec")
    code, out = run(capsys, "permissions", TENANT, "--json", "--out", str(tmp_path / "app"))
    assert code == 0
    observed = json.loads(out)["Microsoft Graph, application"]
    assert not [name for name in observed if "ReadWrite" in name]
    assert (tmp_path / "app" / "manifest.json").is_file()


def test_no_permission_that_is_printed_is_superfluous(world: World) -> None:
    from ggi.cookbook.permissions import rights

    world.has_everything()
    found = rights(wanted(stage=Stage.OBSERVE), book())
    # GroupMember.Read.All is for the emergency accounts, which are counted before a write.
    graph = [name for name in found.application if name != "GroupMember.Read.All"]
    assert len(graph) == 5
    for name in graph:
        world.state.data["granted"]["application"] = [other for other in graph if other != name]
        unread = {recipe for recipe, seen in world.outcomes().items() if any(o.value == "not readable" for o in seen)}
        assert unread, f"{name} is not needed"


def test_explain_tells_value_origin_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "explain", "te-01", TENANT)
    assert code == 0
    assert "polderveen.test" in out
    assert "MS.TEAMS.2.1v2" in out
    assert "not an official text" in out
    code, out = run(capsys, "explain", "TM-01", TENANT, "--json")
    assert json.loads(out)["stage"] == "apply"


def test_the_first_measurement_is_a_file_of_deviations_that_wins_over_changes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, world: World
) -> None:
    from ggi.audit.audit import Place as AuditPlace
    from ggi.clock import today
    from ggi.cookbook.audit import audit_tenant
    from ggi.cookbook.deviations import deviations_of, draft, waived_in
    from ggi.cookbook.plan import refs_of

    file = tmp_path / "policies" / "waivers" / "m365" / "rijnstad.yaml"
    file.parent.mkdir(parents=True)
    judged = world.planned(["TM-09", "TG-03", "TM-07"]).judged
    file.write_text(
        draft(judged, book(), today()).replace("DRAFT, to be decided", "Decided on paper"), encoding="utf-8"
    )
    waived = waived_in([tmp_path], rijnstad(), book())
    only = ["TM-09", "TG-03", "TM-07"]

    async def read() -> Any:
        async with world.session() as session:
            return await session.plan(wanted(only), waived), await session.read(refs_of(wanted(only)))

    plan, seen = asyncio.run(read())
    assert plan.changes == ()
    assert len(plan.waived) == 4
    own = deviations_of([tmp_path], rijnstad(), book())
    audit = audit_tenant(rijnstad(), book(), wanted(only), seen, own, AuditPlace.LIVE, today())
    assert {f.outcome.value for f in audit.findings} == {"WAIVED"}
    assert not audit.problems

    world.state.data["graph"]["/policies/authorizationPolicy"]["allowInvitesFrom"] = "adminsGuestInvitersAndAllMembers"
    plan, seen = asyncio.run(read())
    assert [change.recipes for change in plan.changes] == [("TG-03",)], "another value than the accepted one is new"


def test_the_booklet_holds_every_recipe_in_both_languages(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _ = run(capsys, "page", "--out", str(tmp_path))
    assert code == 0
    for language in ("nl", "en"):
        text = (tmp_path / f"cookbook-{language}.html").read_text(encoding="utf-8")
        assert f'<html lang="{language}">' in text
        for recipe in book().recipes.values():
            assert f'id="{recipe.id}"' in text
        assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert "geen officiële tekst" in (tmp_path / "cookbook-nl.html").read_text(encoding="utf-8")


def test_every_graph_resource_of_the_products_has_a_fresh_object_in_the_stand_in(world: World) -> None:
    urls = {r.url for p in book().products.values() if p.channel == GRAPH for r in p.resources.values()}
    assert urls == set(world.state.data["graph"])


def test_what_is_made_from_the_content_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "schema", "--check") == (0, "")
    assert (ROOT / "cookbook" / "schema" / "recipe.schema.json").is_file()
