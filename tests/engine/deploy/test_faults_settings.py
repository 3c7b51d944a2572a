"""Settings that are wrong or missing: passphrase, root key, kubeconfig, context, tenant, cluster."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import SandboxCluster
from tests.engine.deploy.place import Place

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def unharmed(place: Place, stack: str) -> Iterator[None]:
    """Whatever is wrong, the state and the cluster stay as they are."""
    before, state = place.generations(stack), place.checkpoint(stack).read_bytes()
    yield
    assert place.generations(stack) == before
    assert place.checkpoint(stack).read_bytes() == state


def one_error(text: str) -> bool:
    return text.count("error:") == 1


def test_a_wrong_passphrase_is_named(place: Place, stack: str, unharmed: None) -> None:
    file = place.state / "passphrase"
    right = file.read_text()
    file.write_text("not this one")
    try:
        ran = place.up(stack, code=1)
        assert f"the passphrase does not fit the stack {stack}" in ran.err and one_error(ran.err)
        assert right not in ran.text
    finally:
        file.write_text(right)


def test_a_passphrase_of_the_caller_does_not_get_in_the_way(place: Place, stack: str) -> None:
    assert place.up(stack, "--json", PULUMI_CONFIG_PASSPHRASE="something else").json["steps"] == []
    place.variables["PULUMI_CONFIG_PASSPHRASE"] = "something else"
    try:
        assert "unchanged" in place.pulumi(stack, "preview").text
    finally:
        del place.variables["PULUMI_CONFIG_PASSPHRASE"]


@pytest.mark.parametrize(
    ("text", "said"), [("garbage!", "is not 32 bytes"), (None, "can't be read"), ("c2hvcnQ", "32")]
)
def test_a_root_key_that_is_missing_or_garbled_is_named_and_not_shown(
    place: Place, stack: str, tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "key"
    if text is not None:
        file.write_text(text)
    before = place.generations(stack)
    ran = place.up(stack, code=1, GGI_ROOT_KEY_FILE=str(file))
    assert said in ran.err and one_error(ran.err)
    assert text is None or text not in ran.text
    assert place.generations(stack) == before


def test_a_root_key_that_is_not_in_the_configuration_is_asked_for(place: Place, stack: str) -> None:
    file = place.state / f"Pulumi.{stack}.yaml"
    text = file.read_text()
    before = place.generations(stack)
    env = place.exports(stack)
    file.write_text(
        "".join(line for line in text.splitlines(keepends=True) if "rootKey" not in line and "secure" not in line)
    )
    try:
        ran = place.plain(env, "up", "--yes", "-s", stack)
        assert ran.code != 0 and "this stack has no root key" in ran.text and "Traceback" not in ran.text
        # Ours must not make a new one either: all secrets would change.
        ours = place.up(stack, code=1)
        assert "has objects and no root key" in ours.err and one_error(ours.err)
    finally:
        file.write_text(text)
    assert place.generations(stack) == before


def test_a_configuration_file_that_is_no_yaml_is_named(place: Place, stack: str, unharmed: None) -> None:
    file = place.state / f"Pulumi.{stack}.yaml"
    text = file.read_text()
    file.write_text("config: [\n")
    try:
        ran = place.up(stack, code=2)
        assert str(file) in ran.err and one_error(ran.err)
    finally:
        file.write_text(text)


def test_a_missing_kubeconfig_or_context_is_wrong_input(place: Place, stack: str, tmp_path: Path) -> None:
    ran = place.ggi("status", stack, code=2, KUBECONFIG=str(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in ran.err and one_error(ran.err)
    ran = place.ggi("status", stack, code=2, KUBECONFIG=str(place.kubeconfig))
    assert place.landscape(stack).environment.cluster.context in ran.err and one_error(ran.err)


def test_plain_pulumi_without_its_kubeconfig_or_context_says_so(place: Place, stack: str, tmp_path: Path) -> None:
    env = place.exports(stack)
    nowhere = str(tmp_path / "nowhere")
    for changed, said in (({"KUBECONFIG": nowhere}, nowhere), ({"GGI_CONTEXT": "elsewhere"}, "elsewhere")):
        ran = place.plain(env | changed, "preview", "-s", stack)
        assert ran.code != 0 and said in ran.text and "Traceback" not in ran.text


def test_another_cluster_than_the_recorded_one_is_refused(place: Place, stack: str, unharmed: None) -> None:
    file = place.state / f"Pulumi.{stack}.yaml"
    text = file.read_text()
    uid = place.api.cluster_uid()
    other = "00000000-1111-2222-3333-444444444444"
    file.write_text(text.replace(uid, other))
    try:
        for ran in (place.up(stack, code=1), place.ggi("refresh", stack, "--sandbox", code=1)):
            assert f"leads to another cluster: its kube-system has UID {uid}, not {other}" in ran.err
            assert one_error(ran.err)
        place.ggi("env", stack, "--sandbox")  # with which a person puts it right
        plain = place.pulumi(stack, "preview", code=1)
        assert "leads to another cluster" in plain.text
    finally:
        file.write_text(text)


def test_plain_pulumi_pointed_at_another_cluster_writes_nothing_and_the_right_one_is_taken_up_again(
    place: Place, stack: str, sandbox_cluster: SandboxCluster, tmp_path: Path
) -> None:
    before = place.generations(stack)
    # Somebody's kubeconfig in which the context of the same name leads elsewhere.
    same_name = tmp_path / "kubeconfig"
    same_name.write_text(sandbox_cluster.kubeconfig.read_text().replace(sandbox_cluster.context, place.context))
    env = place.exports(stack) | {"KUBECONFIG": str(same_name)}
    ran = place.plain(env, "up", "--yes", "--skip-preview", "-s", stack)
    assert ran.code != 0 and "leads to another cluster" in ran.text
    assert sandbox_cluster.api.find("v1", "Namespace", stack) is None
    assert place.generations(stack) == before
    # The engine read the other cluster before our program could refuse it. What is ours is adopted again.
    place.up(stack)
    assert place.generations(stack) == before
    assert place.changes(stack) == {}


def test_a_tenant_that_is_missing_merged_or_invalid_gives_plain_pulumi_a_message(place: Place, stack: str) -> None:
    file = place.inventory / "tenants" / "gm9971.yaml"
    text = file.read_text()
    env = place.exports(stack)
    before = place.generations(stack)
    cases = {
        "there is no tenant gm9971": None,
        "was merged away; its stack is no longer changed": text
        + 'state: merged\nherindeling: {into: "GM9901", date: 2026-01-01}\n',
        "tenants/gm9971.yaml": text.replace("inhabitants", "inhabitantz"),
    }
    try:
        for said, content in cases.items():
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_text(content)
            ran = place.plain(env, "up", "--yes", "--skip-preview", "-s", stack)
            assert ran.code != 0 and said in ran.text, ran.text
            assert "Traceback" not in ran.text and 'File "' not in ran.text
            assert place.generations(stack) == before
    finally:
        file.write_text(text)


def test_a_stack_whose_name_is_no_stack_gives_plain_pulumi_a_message(place: Place, stack: str, tmp_path: Path) -> None:
    env = place.exports(stack) | {"PULUMI_OPTION_CONFIG_FILE": str(place.state / "Pulumi.elsewhere.yaml")}
    shutil.copy(place.state / f"Pulumi.{stack}.yaml", place.state / "Pulumi.elsewhere.yaml")
    # `stack init` writes beside the project, whatever configuration file is named.
    (tmp_path / "Pulumi.yaml").write_text("name: ggi\nruntime: python\n")
    place.plain(env, "stack", "init", "elsewhere", "--no-select", "--cwd", str(tmp_path))
    ran = place.plain(env, "preview", "-s", "elsewhere")
    assert ran.code != 0 and "is not the name of a stack" in ran.text and "Traceback" not in ran.text


def test_a_sandbox_that_never_ran_is_named(place: Place, stack: str) -> None:
    ran = place.ggi("status", stack, "--sandbox", code=1, GGI_SANDBOX="never")
    assert "there is no sandbox never" in ran.err and "sandbox start" in ran.err


def test_after_all_that_nothing_differs(place: Place, stack: str) -> None:
    """Last of this file."""
    assert place.changes(stack) == {}
