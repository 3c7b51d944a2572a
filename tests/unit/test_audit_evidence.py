"""Evidence is the same data in every language; people read its words, which are content."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.controls import cel
from ggi.controls.control import Control
from ggi.controls.evidence import Detail, Evidence, Vocabulary, Words, codes_in
from ggi.controls.load import load_controls
from ggi.controls.terms import load_terms
from ggi.errors import InputError
from ggi.hosts.audit import controls_of
from ggi.hosts.controls import load_host_controls
from ggi.messages import language, set_language
from ggi.paths import ROOT
from tests.content import controls

LIBRARY = {"AVL-007": ROOT / "src" / "ggi" / "controls" / "references.py"}
"""Controls whose details the library makes."""
QUOTED = ".replace('%', '%25').replace(';', '%3B')"


@pytest.fixture
def dutch() -> Iterator[None]:
    before = language()
    set_language("nl")
    yield
    set_language(before)


def every() -> dict[str, Control]:
    return {**controls().by_id, **controls_of(load_host_controls([ROOT]))}


def folder(control: Control) -> Path:
    return (ROOT / control.origin.file).parent


def details(control: Control) -> set[tuple[str, bool]]:
    """(code, has a value) of every detail that a check can yield, as far as its text says so."""
    found: set[tuple[str, bool]] = set()
    for path in [folder(control) / "check.py", *([LIBRARY[control.id]] if control.id in LIBRARY else [])]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Detail":
                first = node.args[0]
                codes = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                for code in codes:
                    assert isinstance(code, ast.Constant), f"{path}:{node.lineno}: the code is no literal"
                    found.add((code.value, len(node.args) > 1))
    if "of_domains" in (folder(control) / "check.py").read_text(encoding="utf-8"):
        found.add(("no-answer", False))
    if "unplanned" in (folder(control) / "check.py").read_text(encoding="utf-8"):
        found |= {(code, True) for code in ("by", "changed", "lets", "more", "not-read", "objects", "of-others")}
        found |= {("absent", False), ("not-planned", False)}
    return found


@given(
    st.lists(st.builds(Detail, st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True), st.text() | st.none()))
)
def test_what_is_printed_is_read_back_as_it_was(seen: list[Detail]) -> None:
    text = str(Evidence.of(seen))
    assert Evidence.parse(text) == Evidence(tuple(seen))
    assert "\n" not in text


@given(st.text(alphabet="ab;% =").filter(lambda text: "\n" not in text))
def test_cel_quotes_as_python_does(value: str) -> None:
    expression = cel.compiled(f"'a=' + object.value{QUOTED}")
    assert cel.evaluate(expression, cel.activation({"value": value})) == str(Detail("a", value))


@pytest.mark.parametrize("text", ["Replicas=1", "replicas 1", "a=1;b", "a=1; ", "a=b%", "a=b;c", "-a"])
def test_what_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text.split("; ")[0]) if text != "a=1; " else "^$"):
        Evidence.parse(text)


@pytest.mark.parametrize(
    ("control", "evidence", "shown"),
    [
        ("AVL-004", "replicas=1", "aantal pods 1"),
        ("SUP-002", "until=unknown", "tot onbekend"),
        ("SEC-001", "immutable=true; no-rotation-in-name", "kan niet veranderen, geen rotatienummer in de naam"),
        ("TLS-001", "minimum=1.0 insufficient; maximum=1.3 good", "minimaal 1.0 (onvoldoende), maximaal 1.3 (goed)"),
        ("TLS-002", "cipher=ECDHE-RSA-AES128-SHA phase out", "ECDHE-RSA-AES128-SHA (uitfaseren)"),
        ("IMG-004", "image=docker.io/openzaak/open-zaak:1.30.0", "docker.io/openzaak/open-zaak:1.30.0"),
        ("CRT-004", "name=a{b}c", "naam a{b}c"),
        ("DAT-006", "member=openzaak_r1 a, b", "openzaak_r1: lid van a, b"),
        ("NET-010", "certificate=keycloak; no-such-listener", "keycloak: certificaat, zo'n luisteraar is er niet"),
        ("SEC-006", "not-used=A; header-of=x", "A wordt niet gebruikt, kop van x"),
        ("TLS-004", "header=max-age=1%3B preload", "max-age=1; preload"),
        ("HST-007", "asks=nobody", "vraagt niemand"),
        ("AVL-004", "the field replicas is missing", "the field replicas is missing"),
        ("AVL-004", "", ""),
    ],
)
@pytest.mark.usefixtures("dutch")
def test_a_page_in_dutch_shows_the_words_in_dutch_and_leaves_names_and_values(
    control: str, evidence: str, shown: str
) -> None:
    assert every()[control].vocabulary.in_words(evidence) == shown


def test_every_detail_that_a_check_can_yield_has_words() -> None:
    for control in every().values():
        for code, valued in details(control) if control.check or "Host" in control.kinds else ():
            known = control.vocabulary.words(Detail(code, "x" if valued else None))
            exact = any(name.partition("=")[0] == code for name in control.vocabulary.codes) and valued
            assert known or exact, f"{control.id}: {code}"


def test_every_code_in_cel_that_can_be_read_has_words() -> None:
    for control in controls():
        texts = (control.file.evidence, *control.variables.values()) if control.rule is not None else ()
        assert set(codes_in(texts)) <= control.vocabulary.named, control.id


def test_no_words_are_there_that_no_control_uses() -> None:
    shared = load_terms([]).words
    used: set[str] = set()
    for control in every().values():
        used |= set(control.file.shared)
        if control.rule is not None:
            text = " ".join((control.file.evidence, *control.file.variables.values()))
            codes = {code for code in control.vocabulary.named if re.search(rf"'(; )?{code}['=]", text)}
        else:
            codes = {code for code, _ in details(control)}
        assert control.vocabulary.named == codes, control.id
    assert used | {"absent"} == set(shared.codes), "absent is of recipes"


def test_a_text_that_differs_between_languages_is_said_in_both() -> None:
    for control in every().values():
        for code, words in control.vocabulary.codes.items():
            gaps = [re.findall(r"\{\w+\}", text) for text in (words.nl, words.en)]
            assert sorted(gaps[0]) == sorted(gaps[1]), (control.id, code)


CONTROL = """id: POD-901
title: {nl: Het is goed, en: It is right}
why: {nl: Daarom is het zo, en: That is why}
severity: low
since: 2026-01-01
measure: iso-control
proof: [opzet]
sources:
  - {framework: ISO 27002, version: "2022", id: "8.9", text: {nl: Instellingen, en: Settings}}
kinds: [Service]
cel: "true"
evidence: "'ports=' + string(object.spec.ports.size())"
seen:
  ports: {nl: "{value} poorten", en: "{value} ports"}
message: {nl: Het is fout, en: It is wrong}
remediation: {nl: Herstel het, en: Mend it}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("seen:\n  ports: ", "seen:\n  others: ", 12, "the evidence has a code without words: ports"),
        ("seen:", "shared: [nothing]\nseen:", 13, "no content root has words for nothing"),
        ("id: POD-901", "id: XYZ-901", 1, "XYZ-901 is of no family; known: POD, "),
        ("framework: ISO 27002", "framework: ISO 27003", 9, "there is no framework ISO 27003"),
        ("kinds: [Service]", "kinds: [Servise]", 10, "there is no kind Servise"),
    ],
)
def test_what_no_content_root_has_is_one_error_at_its_line(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    assert old in CONTROL
    name = "XYZ-901" if "XYZ" in new else "POD-901"
    place = tmp_path / "policies" / "controls" / name
    place.mkdir(parents=True)
    (place / "control.yaml").write_text(CONTROL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_controls([tmp_path])
    (problem,) = caught.value.problems
    assert str(problem.origin) == f"policies/controls/{name}/control.yaml:{line}"
    assert problem.message.startswith(told)
    assert problem.fix


def test_a_sentence_of_old_is_read_by_the_words_that_explain_most_of_it() -> None:
    words = {
        "container": Words(nl="{value}", en="{value}"),
        "member": Words(nl="{first}: lid van {rest}", en="{first}: member of {rest}"),
        "mail": Words(nl="mail", en="mail without A, or over B"),
    }
    vocabulary = Vocabulary(words)
    assert str(vocabulary.from_sentence("web, init", ", ")) == "container=web; container=init"
    assert str(vocabulary.from_sentence("mail without A, or over B, web", ", ")) == "mail; container=web"
    assert str(vocabulary.from_sentence("x: member of a; b", "; ")) == "member=x a; container=b"
    assert vocabulary.wrote("web, init", "container=init; container=web")
    assert not vocabulary.wrote("web", "container=init; container=web")
    assert Vocabulary({"mail": words["mail"]}).from_sentence("something else", ", ") is None
