"""The audit's page and the words of reports: self-contained, safe with any text, honest in what it counts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ggi import messages
from ggi.audit.audit import Audit, Place
from ggi.audit.summary import audit_data
from ggi.controls.control import Proof
from ggi.controls.coverage import Coverage
from ggi.controls.verdict import Outcome
from ggi.errors import InputError, Problem
from ggi.report.audit.drawing import COLORS, parts
from ggi.report.audit.page import html
from ggi.report.audit.run import AuditRun, Status, status
from ggi.report.audit.since import change, load_earlier
from ggi.report.audit.words import SYMBOLS, answer, command, number, status_word
from sandbox.layout import SIMULATED
from tests import audits


@pytest.fixture(params=["en", "nl"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    before = messages.language()
    messages.set_language(request.param)
    yield request.param
    messages.set_language(before)


class Read(HTMLParser):
    """What a page has: elements by name, attributes, ids, and text outside style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self._raw = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._raw = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.text.append(data)

    def values(self, name: str) -> list[str]:
        """Of one attribute."""
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.mark.parametrize("name", ["everything", "fleet"])
def test_a_page_asks_for_nothing_and_its_policy_allows_its_own_style_and_script_alone(name: str) -> None:
    run = audits.fleet() if name == "fleet" else audits.run(audits.everything())
    text = html(run)
    read = Read(text)
    assert not [v for v in [*read.values("src"), *read.values("href")] if v and not v.startswith("#")]
    assert not re.search(r"@import|url\(", text)
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name == "style"]
    (policy,) = [value for _, name, value in read.attributes if name == "content" and "default-src" in value]
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("name", ["everything", "fleet"])
def test_text_of_a_cluster_stays_text(name: str) -> None:
    run = audits.fleet() if name == "fleet" else audits.run(audits.everything())
    text = html(run)
    assert Read(text).tags["script"] == 1
    assert "<script>alert" not in text
    assert "alert('x')" in "".join(Read(text).text)


def test_every_identifier_is_used_once_and_every_link_has_a_target() -> None:
    for run in (audits.fleet(), audits.run(audits.everything())):
        read = Read(html(run))
        assert not [name for name, count in Counter(read.values("id")).items() if count > 1]
        assert {v.removeprefix("#") for v in read.values("href")} <= {*read.values("id"), ""}


def test_the_page_lists_every_finding_with_its_outcome(language: str) -> None:
    audit = audits.everything()
    text = html(audits.run(audit))
    listed = Counter(
        re.findall(r'<li class="s-([a-z-]+)"><span class="sym" aria-hidden="true">.</span><span class="out"', text)
    )
    assert listed == Counter(status(finding).value for finding in audit.findings)
    assert sum(listed.values()) == len(audit_data([audit])[0]["findings"])


def test_a_finding_says_what_where_why_and_how_to_look_again(language: str) -> None:
    page = html(audits.run(audits.planted()))
    (article,) = re.findall(r'<article class="finding s-refused".*?</article>', page, re.DOTALL)
    told = " ".join("".join(Read(article).text).split())
    file = audits.controls().by_id["AVL-005"].file
    for expected in (
        "AVL-005",
        str(file.message),
        "postgresql/Cluster/main",
        {"en": "1 instances, anti-affinity true", "nl": "1 instanties, verspreid over servers"}[language],
        "tenants/gm9902.yaml:17",
        str(file.why),
        str(file.remediation).replace("`", ""),
        str(file.sources[0]),
        "./ggi audit gm9902-prod --from plan --control AVL-005",
    ):
        assert expected in told


def test_no_page_shows_a_norm_as_met(language: str) -> None:
    for run in (audits.run(audits.clean()), audits.fleet()):
        told = " ".join("".join(Read(html(run)).text).split())
        assert messages.t("What this does not say") in told
        for framework in run.frameworks:
            assert f"{framework.name} {framework.version}" in told
            gaps = framework.covered(Coverage.NOT_COVERED) + framework.covered(Coverage.ORGANISATIONAL)
            assert gaps + framework.proven == framework.size


def test_what_was_waived_or_not_judged_is_no_partial_proof() -> None:
    stack = audits.run(audits.clean()).stacks[0]
    for framework in stack.frameworks:
        for norm in framework.norms:
            complying = {
                one.control.id
                for one in norm.judged
                if {f.outcome for f in one.findings} <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
                and any(f.outcome is Outcome.PASS for f in one.findings)
            }
            assert norm.shown == len(complying)
    assert any(norm.shown < norm.asked for framework in stack.frameworks for norm in framework.norms)


def test_a_plan_never_proves_existence_and_a_cluster_does_where_a_control_can_show_it() -> None:
    plan = audits.clean()
    for one in audits.run(plan).stacks[0].judged.values():
        # What only existence can prove, a plan proves nothing of.
        assert one.proof is (Proof.DESIGN if Proof.DESIGN in one.control.file.proof else None)
    for one in audits.run(replace(plan, place=Place.LIVE)).stacks[0].judged.values():
        assert one.proof is (Proof.EXISTENCE if Proof.EXISTENCE in one.control.file.proof else Proof.DESIGN)


def test_the_sandbox_is_named_as_simulated(language: str) -> None:
    shown = html(audits.run(replace(audits.clean(), simulated=True, not_real=SIMULATED)))
    assert 'class="notice"' in shown
    assert 'class="notice"' not in html(audits.run(audits.clean()))
    assert "--sandbox" in command(replace(audits.clean(), simulated=True))


def test_the_answer_counts_controls_that_deviate_and_never_says_that_all_is_well() -> None:
    assert answer(audits.run(audits.planted()).stacks[0]) == "One control is not complied with."
    assert answer(audits.run(audits.clean()).stacks[0]) == "Nothing deviates beyond what was accepted."
    nothing = replace(audits.clean(), findings=tuple(f for f in audits.clean().findings if not f.waiver))
    assert answer(audits.run(nothing).stacks[0]) == "Nothing was found that deviates."


def test_every_status_has_a_word_a_sign_and_a_colour_of_its_own(language: str) -> None:
    for found in (
        [status_word(one) for one in Status],
        [SYMBOLS[one] for one in Status],
        [COLORS[one] for one in Status],
    ):
        assert len(set(found)) == len(Status)


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("one", list(Status))
def test_a_status_can_be_read_on_a_light_and_on_a_dark_page(one: Status) -> None:
    for color, papers in zip(
        COLORS[one], (("#fdfcfa", "#ffffff", "#f4f2ed"), ("#12171d", "#1a2129", "#1d252e")), strict=True
    ):
        for paper in papers:
            bright, dim = sorted((_luminance(color), _luminance(paper)), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5


def test_the_drawing_s_marks_count_every_finding_once() -> None:
    stack = audits.run(audits.everything()).stacks[0]
    assert stack.audit.landscape is not None
    found = parts(stack, stack.audit.landscape)
    assert sum(sum(part.counts.values()) for part in found) == len(stack.audit.findings)


def test_what_stands_between_backticks_is_code_and_the_rest_stays_text() -> None:
    problem = Problem("set `a<b>` or <i>`c`</i>")
    text = html(audits.run(replace(audits.clean(), problems=(problem,))))
    assert "set <code>a&lt;b&gt;</code> or &lt;i&gt;<code>c</code>&lt;/i&gt;" in text


def test_numbers_are_written_as_people_do(language: str) -> None:
    assert number(1514) == {"en": "1,514", "nl": "1.514"}[language]


def earlier(tmp_path: Path, *found: Audit) -> Path:
    path = tmp_path / "earlier.json"
    path.write_text(json.dumps(audit_data(found)), encoding="utf-8")
    return path


def test_since_an_earlier_run_shows_what_is_new_what_changed_and_what_became_of_the_rest(tmp_path: Path) -> None:
    now, before = audits.everything(), audits.planted()
    found = change(now, load_earlier(earlier(tmp_path, before)))
    assert found is not None
    assert {f.control for f in found.new} == {"POD-001", "POD-002", "POD-003", "POD-004"}
    assert (found.remaining, found.before, found.ended, found.worse) == (1, 1, (), ())
    back = change(before, load_earlier(earlier(tmp_path, now)))
    assert back is not None
    assert not back.new
    assert ("POD-002", "openzaak/Deployment/web") in {key for key, _ in back.ended}
    became = dict(back.ended)
    assert became["POD-002", "openzaak/Deployment/web"] is Outcome.PASS
    assert became["POD-001", audits.HOSTILE] is None
    other = replace(
        now, findings=tuple(replace(f, evidence="instances=0") if f.control == "AVL-005" else f for f in now.findings)
    )
    worse = change(other, load_earlier(earlier(tmp_path, now)))
    assert worse is not None
    assert [(f.evidence, seen) for f, seen in worse.worse] == [("instances=0", "instances=1; anti-affinity=true")]


def test_another_place_or_stack_is_not_compared(tmp_path: Path, language: str) -> None:
    before = load_earlier(earlier(tmp_path, audits.clean()))
    assert change(audits.planted(), before) is None
    assert change(replace(audits.clean(), place=Place.LIVE), before) is None
    assert messages.t("Since an earlier audit") in html(AuditRun((audits.planted(),), audits.norms(), before))


@pytest.mark.parametrize("content", ["", "{}", "[]", "[1]", '[{"stack": "x"}]', "<html>"])
def test_a_file_that_is_no_audit_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="this is no audit"):
        load_earlier(path)
    with pytest.raises(InputError, match="can't be read"):
        load_earlier(tmp_path / "none.json")
