"""What `ggi render` writes: valid manifests in the order of creation, and no secret."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from ggi.cli.main import main
from ggi.engine.secrets import SecretResolver, encode
from ggi.report.render import MARK, file_names, manifest, render
from tests.content import landscapes, standard

KUBERNETES = "1.36"
"""The version of the sandbox's API server."""
CUSTOM = {
    "cert-manager.io",
    "gateway.envoyproxy.io",
    "gateway.networking.k8s.io",
    "monitoring.coreos.com",
    "postgresql.cnpg.io",
}
"""API groups of custom resources: the API server of the sandbox judges those."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of every example's rendering, by stack."""
    base = tmp_path_factory.mktemp("rendered")
    for built in landscapes():
        render(built, base / built.stack)
    return {built.stack: base / built.stack for built in landscapes()}


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of one file."""
    return list(yaml.load_all(path.read_text(encoding="utf-8"), LOADER))


def every_document(rendered: dict[str, Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(Where, document) for everything that was rendered."""
    for stack, folder in rendered.items():
        for path in sorted((folder / "kubernetes").iterdir()):
            for document in documents(path):
                yield f"{stack}/{path.name} {document['kind']} {document['metadata']['name']}", document


def test_every_manifest_is_valid_for_kubernetes(rendered: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    # The library reads its schemas, some megabytes, anew for every manifest.
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
    kinds = set()
    for where, document in every_document(rendered):
        group = document["apiVersion"].rpartition("/")[0]
        if group in CUSTOM:
            continue
        kinds.add(document["kind"])
        try:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{where}: {error}")
    assert {"Namespace", "Deployment", "StatefulSet", "Job", "NetworkPolicy", "Secret", "ResourceQuota"} <= kinds


def test_a_manifest_that_is_wrong_is_noticed() -> None:
    wrong = next(manifest(o) for o in standard().objects if o.kind == "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**wrong, "spec": {**wrong["spec"], "replica": 2}}, KUBERNETES, strict=True)


def test_every_object_is_written_once_and_reads_back_as_it_is(rendered: dict[str, Path]) -> None:
    for built in landscapes():
        written = [
            document
            for name in file_names(built).values()
            for document in documents(rendered[built.stack] / "kubernetes" / name)
        ]
        expected = [manifest(o) for component in file_names(built) for o in built.of(component)]
        assert written == json.loads(json.dumps(expected))
        assert len(written) == len(built.objects)


def test_files_are_in_the_order_of_creation() -> None:
    for built in landscapes():
        names = list(file_names(built).values())
        assert names == sorted(names)
        assert names[0] == "00-platform.yaml"
        order = list(file_names(built))
        for relation in built.relations:
            if relation.starts_after and relation.provider in order and relation.provider != relation.consumer:
                assert order.index(relation.provider) < order.index(relation.consumer)
        for component in order:
            done: set[str] = set()
            own = {o.name for o in built.of(component)}
            for item in built.of(component):
                assert own & set(item.needs) <= done
                done.add(item.name)


def test_nothing_is_rendered_for_what_exists_already() -> None:
    for built in landscapes():
        assert {n for n, item in built.components.items() if item.external}.isdisjoint(file_names(built))


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_secrets_hold_placeholders_alone_and_the_file_says_so(rendered: dict[str, Path]) -> None:
    for where, document in every_document(rendered):
        if document["kind"] == "Secret":
            assert "data" not in document, where
            assert any("<" in value for value in document["stringData"].values()), where
    for built in landscapes():
        for component, name in file_names(built).items():
            head = (rendered[built.stack] / "kubernetes" / name).read_text(encoding="utf-8").split("---")[0]
            assert ("placeholders" in head) == any(o.secrets for o in built.of(component))


def test_no_derived_value_and_no_root_key_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = bytes(range(32))
    key_file = tmp_path / "root"
    key_file.write_text(encode(key))
    monkeypatch.setenv("GGI_ROOT_KEY_FILE", str(key_file))
    asked: list[object] = []
    monkeypatch.setattr(SecretResolver, "value", lambda _, ref: asked.append(ref))
    assert main(["render", "gm9901-prod", "--out", str(tmp_path / "out")]) == 0
    assert main(["diagram", "gm9901-prod", "--out", str(tmp_path / "out" / "drawing.svg")]) == 0
    assert asked == []
    monkeypatch.undo()
    built = standard()
    resolver = SecretResolver(key, built.stack)
    refs = {r for o in built.objects for text in o.secrets.values() for r in text.refs if r.kind == "derived"}
    assert len(refs) > 10
    canaries = {encode(key), *(resolver.value(ref) for ref in refs)}
    everything = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert not [canary for canary in canaries if canary in everything]


def looks_like_a_secret(text: str) -> list[str]:
    """Words of 20 characters or more that mix capitals, small letters and digits, as generated secrets do."""
    words = re.findall(r"(?<![\w/.+-])[A-Za-z0-9_+/-]{20,}={0,2}", text)
    return [
        w
        for w in words
        if re.search("[A-Z]", w)
        and re.search("[a-z]", w)
        and len(re.findall("[0-9]", w)) > 2
        and not re.search("[-_/]{2}", w)
    ]


def test_nothing_in_the_files_looks_like_a_secret(rendered: dict[str, Path]) -> None:
    canary = SecretResolver(bytes(range(32)), "gm9901-prod").value(
        next(r for o in standard().objects for text in o.secrets.values() for r in text.refs if r.kind == "derived")
    )
    assert looks_like_a_secret(f"password: {canary}\n")
    for folder in rendered.values():
        for path in folder.rglob("*.*"):
            assert looks_like_a_secret(path.read_text(encoding="utf-8")) == [], path
            assert "PRIVATE KEY-----\n" not in path.read_text(encoding="utf-8")


# -- the folder --------------------------------------------------------------------------------------------------------


def test_files_of_an_earlier_rendering_go_and_those_of_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "kubernetes"
    folder.mkdir()
    (folder / "42-gone.yaml").write_text(f"{MARK}gm9901-prod, release 2026.3.\n---\nkind: ConfigMap\n")
    others = {
        "43-mine.yaml": "kind: ConfigMap\n",
        "notes.txt": f"{MARK}by hand",
        "kustomization.yaml": "resources: []\n",
        ".hidden.yaml": f"{MARK}x",
    }
    for name, text in others.items():
        (folder / name).write_text(text)
    (folder / "44-folder.yaml").mkdir()
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(f"{MARK}x")
    (folder / "45-link.yaml").symlink_to(elsewhere)
    files = render(standard(), tmp_path)
    assert not (folder / "42-gone.yaml").exists()
    assert {name: (folder / name).read_text() for name in others} == others
    assert (folder / "44-folder.yaml").is_dir()
    assert (folder / "45-link.yaml").is_symlink()
    assert elsewhere.exists()
    assert all(path.is_file() for path in files)


def test_a_second_rendering_changes_nothing(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in render(standard(), tmp_path)}
    again = {path: path.read_bytes() for path in render(standard(), tmp_path)}
    assert first == again


def test_relations_csv_has_a_row_per_relation_with_its_source(rendered: dict[str, Path]) -> None:
    for built in landscapes():
        with (rendered[built.stack] / "relations.csv").open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert [(r["consumer"], r["provider"]) for r in rows] == [(r.consumer, r.provider) for r in built.relations]
        for row, relation in zip(rows, built.relations, strict=True):
            assert row["apis"].split() == [api.name for api in relation.apis]
            assert row["auth"] == relation.auth.value
            assert bool(row["credentials"]) == bool(relation.accepted)
            assert re.fullmatch(r"\S+\.yaml:\d+", row["source"])


# -- the commands ------------------------------------------------------------------------------------------------------


def test_render_lists_its_files_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "gm9901-prod", "--out", str(tmp_path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["stack"] == "gm9901-prod"
    assert data["objects"] == len(standard().objects)
    assert sorted(data["files"]) == sorted(str(p) for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("arguments", "begin"), [([], "<svg "), (["--format", "svg"], "<svg "), (["--format", "mermaid"], "---\ntitle:")]
)
def test_diagram_prints_a_drawing(arguments: list[str], begin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "gm9901-prod", *arguments]) == 0
    assert capsys.readouterr().out.startswith(begin)


@pytest.mark.parametrize(("name", "begin"), [("a.svg", "<svg "), ("a.mmd", "---\ntitle:"), ("new/a.md", "---\ntitle:")])
def test_diagram_chooses_the_format_by_the_name_of_the_file(name: str, begin: str, tmp_path: Path) -> None:
    assert main(["diagram", "gm9901-prod", "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)


def test_a_file_where_the_folder_should_be_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["render", "gm9901-prod", "--out", str(tmp_path / "taken")]) == 1
    error = capsys.readouterr().err
    assert str(tmp_path / "taken") in error
    assert len(error.splitlines()) == 1


def test_an_unknown_stack_is_wrong_input(tmp_path: Path) -> None:
    assert main(["render", "gm9999-prod", "--out", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []
