"""The YAML reader: YAML 1.2 core scalars, a place for every value, and one clear message for what is no inventory."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ggi.errors import InputError
from ggi.inventory.tree import MAX_BYTES, MAX_DEPTH, Node, parse, read, scalar

CORE: list[tuple[str, Any]] = [
    ("2026.10", 2026.1),
    ("0344", 344),
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("y", "y"),
    ("12:30", "12:30"),
    ("1e3", 1000.0),
    ("0o17", 15),
    ("0x1F", 31),
    ("017", 17),
    ("-7", -7),
    ("+7", 7),
    ("1_000", "1_000"),
    ("2026-11-02", "2026-11-02"),
    ("true", True),
    ("True", True),
    ("tRue", "tRue"),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("", None),
    (".5", 0.5),
    ("5.", 5.0),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    (".", "."),
    ("-", "-"),
    ("0b1", "0b1"),
    ("0o8", "0o8"),
    ("1.2.3", "1.2.3"),
    ("<<", "<<"),
    ("=", "="),
]
"""What the core schema makes of an unquoted scalar (yaml.org/spec/1.2.2, section 10.3.2)."""


@pytest.mark.parametrize(("raw", "meaning"), CORE)
def test_an_unquoted_scalar_means_what_yaml_1_2_says(raw: str, meaning: Any) -> None:
    assert scalar(raw) == meaning
    assert type(scalar(raw)) is type(meaning)


@pytest.mark.parametrize(("raw", "meaning"), [(r, m) for r, m in CORE if r not in ("-", "~")])
def test_a_scalar_in_a_file_means_the_same(raw: str, meaning: Any) -> None:
    assert parse(f"key: {raw}\n", "f").plain() == {"key": meaning}
    assert parse(f"key: '{raw}'\n", "f").plain() == {"key": raw}


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(scalar(".nan"))


def test_a_number_too_long_for_python_stays_text() -> None:
    assert scalar("9" * 5000) == "9" * 5000


# Without what YAML allows in no file (yaml.org/spec/1.2.2, section 5.1).
text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"),
    max_size=12,
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(text, values, max_size=5))
@example({"a": "\ufeff"})
@example({"": "", "a": {"": []}})
def test_json_is_read_back_as_it_was_written(value: dict[str, Any]) -> None:
    # JSON is YAML; json.dumps writes 1e+16 and -0.0 as the core schema reads them.
    assert parse(json.dumps(value, ensure_ascii=False), "f").plain() == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=1), "f").plain() == value


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(0, 99), min_size=1, max_size=8))
def test_every_value_knows_the_line_of_its_key(value: dict[str, int]) -> None:
    lines = [f"{key}: {number}" for key, number in value.items()]
    tree = parse("\n".join(lines), "some.yaml", "tenant")
    for key, node in tree.value.items():
        assert node.origin.file == "some.yaml"
        assert node.origin.layer == "tenant"
        assert lines[node.origin.line - 1].startswith(f"{key}: ")


def test_a_nested_block_has_the_line_of_its_key_and_a_list_item_its_own() -> None:
    tree = parse("a:\n\n  b:\n    - 1\n    - x: 2\n", "f")
    assert [node.origin.line for node in (tree.value["a"], _at(tree, "a", "b"), _at(tree, "a", "b", 1, "x"))] == [
        1,
        3,
        5,
    ]


def _at(tree: Node, *path: str | int) -> Node:
    node = tree.child(*path)
    assert node is not None
    return node


@pytest.mark.parametrize("content", ["", "\n", "# only a remark\n", "---\n", "null\n", "--- ~\n...\n"])
def test_an_empty_file_is_an_empty_mapping(content: str) -> None:
    assert parse(content, "f").plain() == {}


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, ["key a", "second time", "f:1"]),
        ("a: 1\n\tb: 2\n", 2, ["tab"]),
        ("a:\n\t- b\n", 2, ["tab"]),
        ("a: &x 1\n", 1, ["anchor"]),
        ("a: *x\n", 1, ["alias"]),
        ("a: !!python/object:os.system x\n", 1, ["tag"]),
        ("a: !!str 2026.10\n", 1, ["tag"]),
        ("a: 1\n---\nb: 2\n", 2, ["second document"]),
        ("[a]: 1\n", 1, ["a key must be a word"]),
        ("a: [1, 2\nb: 3\n", 2, ["not YAML"]),
        ("a: b: c\n", 1, ["not YAML"]),
        ('a: "x\n', 2, ["not YAML"]),
        ("a: 1\nb: x\x00y\n", 2, ["control character"]),
        ("a: 1\nb: x\x07y\n", 2, ["control character"]),
        ("a: @x\n", 1, ["not YAML"]),
        ("a: 1\n" + "b: " + "[" * (MAX_DEPTH + 5) + "\n", 2, ["too deeply"]),
    ],
)
def test_what_is_not_read_has_its_line_and_one_message(content: str, line: int, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse(content, "f")
    problems = caught.value.problems
    assert len(problems) == 1
    assert problems[0].origin is not None
    assert problems[0].origin.line == line
    assert problems[0].fix
    for word in words:
        assert word in str(problems[0])


def test_an_anchor_bomb_is_refused_at_once_and_not_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(InputError, match="anchor"):
        parse("\n".join(lines), "f")


def test_several_faults_that_leave_the_rest_readable_are_told_together() -> None:
    with pytest.raises(InputError) as caught:
        parse("a: &x 1\nb: *x\nc: 1\nc: 2\n", "f")
    assert [p.origin.line for p in caught.value.problems if p.origin] == [1, 2, 4]


def test_a_byte_order_mark_and_dos_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: two words\r\n")
    tree = read(path, "x.yaml")
    assert tree.plain() == {"a": 1, "b": "two words"}
    assert tree.value["b"].origin.line == 2


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path, path.name)
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


def test_bytes_that_are_no_utf_8_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: S\xfaderw\xe2ld\n")
    assert _refusal(path).startswith("x.yaml:2: this file is not UTF-8")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"# " + b"x" * MAX_BYTES)
    assert "at most" in _refusal(path)


def test_what_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    folder, loop, nothing = tmp_path / "folder", tmp_path / "loop", tmp_path / "nothing"
    folder.mkdir()
    loop.symlink_to(loop)
    assert "a folder" in _refusal(folder)
    assert "symbolic links" in _refusal(loop)
    assert "No such file" in _refusal(nothing)
    assert "something else" in _refusal(Path("/dev/null"))


def test_a_file_without_rights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n", encoding="utf-8")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "Permission denied" in _refusal(path)


@given(st.text(max_size=200))
@example("a: 1\r\r\n\x85b: 2")
@example("\ufeff\ufeff")
@example("? ")
@example("%YAML 1.1\n---\na: 1")
@example("%TAG ! x")
def test_any_text_is_read_or_refused_with_a_place(content: str) -> None:
    try:
        parse(content, "f")
    except InputError as error:
        assert all(problem.origin and problem.origin.file == "f" for problem in error.problems)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(content)
    try:
        read(path, "fuzz.yaml")
    except InputError as error:
        assert error.problems
