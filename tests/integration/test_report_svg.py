"""The drawing of a landscape: complete, well-formed, readable, and the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ggi import messages
from ggi.catalogue.component import Layer
from ggi.catalogue.relation import Api, Auth, Relation
from ggi.paths import ROOT
from ggi.report.lettering import width
from ggi.report.picture import Arrow, Badge, Card, Edge, Picture, picture
from ggi.report.scene import Box, scene
from ggi.report.svg import paint, svg
from tests.content import landscapes, standard

SVG = "{http://www.w3.org/2000/svg}"
PICTURE = "docs/pictures/gm9901-prod.svg"
ROUNDING = 0.11
"""Coordinates are written to a tenth of a pixel."""


# -- pictures of any shape ---------------------------------------------------------------------------------------------

WORDS = st.text(min_size=1, max_size=60) | st.sampled_from(
    [
        "Nuenen, Gerwen en Nederwetten",
        "'s-Gravenhage",
        "Súdwest-Fryslân",
        '<b>"A & B\'s"</b>',
        "WWWWWWWWWWWWWWWWWW",
        "]]>",
    ]
)
HOSTS = st.just("") | st.from_regex(r"[a-z]{1,30}(\.[a-z-]{1,40}){1,4}", fullmatch=True)


def relation(consumer: str, provider: str, api: str) -> Relation:
    """A relation of which the drawing shows the APIs."""
    return Relation(
        consumer, consumer, (), provider, provider, "web", (Api(api, "web", "http", title=api),), Auth.JWT, "", 80, 80,
        None, (), {}, False,
    )  # fmt: skip


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Any landscape of up to 15 components with any text in it."""
    names = [f"c{n}" for n in range(draw(st.integers(0, 15)))]
    pairs = [(a, b) for a in names for b in names if a != b]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=24, unique=True)) if pairs else []
    cards = []
    for name in names:
        badges = draw(st.lists(WORDS, max_size=3))
        cards.append(
            Card(
                name=name,
                title=draw(WORDS),
                summary=draw(WORDS),
                layer=draw(st.sampled_from(list(Layer))),
                version=draw(WORDS),
                external=draw(st.booleans()),
                host=draw(HOSTS),
                pods=tuple(draw(st.lists(st.tuples(WORDS, st.integers(0, 20)), max_size=6))),
                badges=tuple(Badge((relation(name, b, b),), b, "database", b) for b in badges),
                waits=tuple(draw(st.lists(WORDS, max_size=5))),
                wishes=tuple(draw(st.lists(WORDS, max_size=2))),
                icon=draw(st.sampled_from(["", "key"])),
                users=draw(st.integers(0, 12)),
            )
        )
    ports = st.lists(st.integers(1, 65535), max_size=4)
    edges = [
        Edge(f"e{n}", draw(WORDS), draw(st.booleans()), tuple(draw(ports)), (), (draw(WORDS),))
        for n in range(draw(st.integers(0, 9)))
    ]
    return Picture(
        title=draw(WORDS),
        subtitle=draw(WORDS),
        description=draw(WORDS),
        namespace=draw(WORDS),
        cards=tuple(cards),
        arrows=tuple(Arrow(n, a, b, (relation(a, b, draw(WORDS)),)) for n, (a, b) in enumerate(chosen, 1)),
        edges=tuple(edges),
    )


# -- reading the drawing back ------------------------------------------------------------------------------------------


def box_of(element: ElementTree.Element) -> Box:
    """The place of a <rect>."""
    return Box(*(float(element.attrib[key]) for key in ("x", "y", "width", "height")))


def extent(text: ElementTree.Element) -> tuple[float, float]:
    """Left and right side of a <text>, by the estimate that the layout uses."""
    size, x = float(text.attrib["font-size"]), float(text.attrib["x"])
    wide = width(text.text or "", size, bold="b" in text.attrib["class"].split())
    return (x - wide / 2, x + wide / 2) if text.get("text-anchor") == "middle" else (x, x + wide)


def groups(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """All <g> of a class."""
    return [g for g in root.iter(f"{SVG}g") if g.get("class") == name]


def crosses(line: tuple[tuple[float, float], tuple[float, float]], box: Box) -> bool:
    """Does a horizontal or vertical line run through the inside of a box?"""
    (x1, y1), (x2, y2) = line
    return (
        max(x1, x2) > box.x + ROUNDING
        and min(x1, x2) < box.right - ROUNDING
        and max(y1, y2) > box.y + ROUNDING
        and min(y1, y2) < box.bottom - ROUNDING
    )


def overlap(one: Box, two: Box) -> bool:
    """Do two boxes share more than a border?"""
    across = min(one.right, two.right) - max(one.x, two.x)
    along = min(one.bottom, two.bottom) - max(one.y, two.y)
    return across > ROUNDING and along > ROUNDING


def check_drawing(drawn: Picture) -> None:
    """Everything that must hold for any drawing."""
    root = ElementTree.fromstring(paint(drawn))  # noqa: S314  (our own text)
    canvas = box_of(next(root.iter(f"{SVG}rect")))
    for text in root.iter(f"{SVG}text"):
        left, right = extent(text)
        assert left >= 0 and right <= canvas.width + ROUNDING, text.text
        assert 0 <= float(text.attrib["y"]) <= canvas.height
    shown = groups(root, "component")
    assert [g.attrib["data-component"] for g in shown] == [card.name for card in drawn.cards]
    boxes = [box_of(g.findall(f"{SVG}rect")[0]) for g in shown]
    for one, two in combinations(boxes, 2):
        assert not overlap(one, two)
    for group in [*shown, *groups(root, "pill"), *groups(root, "outside")]:
        outer = box_of(group.findall(f"{SVG}rect")[0])
        for text in group.iter(f"{SVG}text"):
            left, right = extent(text)
            assert left >= outer.x and right <= outer.right + ROUNDING, text.text
            assert outer.y < float(text.attrib["y"]) < outer.bottom, text.text
        for inner in map(box_of, list(group.iter(f"{SVG}rect"))[1:]):
            assert inner.x >= outer.x and inner.right <= outer.right + ROUNDING
            assert inner.y >= outer.y and inner.bottom <= outer.bottom
    for group in shown:
        for one, two in combinations(
            [box_of(p.findall(f"{SVG}rect")[0]) for p in group.iter(f"{SVG}g") if p is not group], 2
        ):
            assert not overlap(one, two)
    assert len(groups(root, "rel")) == len(drawn.arrows)
    assert len(groups(root, "outside")) == len(drawn.edges)


def check_arrows(drawn: Picture) -> None:
    """Arrows start and end at their cards, run through no card, and never along each other."""
    placed = scene(drawn)
    boxes = {card.name: box for card, _, box in placed.cards}
    pieces = []
    for line in placed.lines:
        for end, name in ((line.points[0], line.arrow.source), (line.points[-1], line.arrow.target)):
            box = boxes[name]
            assert box.x < end[0] < box.right
            assert end[1] in (box.y, box.bottom)
        for one, two in zip(line.points, line.points[1:], strict=False):
            assert one[0] == two[0] or one[1] == two[1]
            assert not any(crosses((one, two), box) for box in boxes.values())
            pieces.append((line.arrow.number, one, two))
    for (a, a1, a2), (b, b1, b2) in combinations(pieces, 2):
        for level, along in ((0, 1), (1, 0)):
            if a != b and a1[level] == a2[level] == b1[level] == b2[level]:
                assert max(a1[along], a2[along]) <= min(b1[along], b2[along]) or max(b1[along], b2[along]) <= min(
                    a1[along], a2[along]
                ), (a, b)


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_any_drawing_is_well_formed_and_no_text_or_box_leaves_its_place(drawn: Picture) -> None:
    check_drawing(drawn)


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_arrows_avoid_cards_and_each_other_in_any_drawing(drawn: Picture) -> None:
    check_arrows(drawn)


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_example_is_drawn_well_in_every_language(language: str) -> None:
    before = messages.language()
    messages.set_language(language)
    try:
        for built in landscapes():
            check_drawing(picture(built))
            check_arrows(picture(built))
    finally:
        messages.set_language(before)


def test_every_component_relation_and_edge_is_in_the_drawing() -> None:
    for built in landscapes():
        root = ElementTree.fromstring(svg(built))  # noqa: S314
        assert {g.attrib["data-component"] for g in groups(root, "component")} == set(built.components)
        drawn = [i for g in root.iter(f"{SVG}g") for i in g.get("data-relations", "").split()]
        assert sorted(drawn) == sorted(r.id for r in built.relations)
        edges = {end.edge for flow in built.flows for end in (flow.source, flow.target) if end.edge}
        shown = {g.attrib["data-edge"] for g in groups(root, "outside")}
        assert shown == {e for e in edges if not e.startswith("external ")} | {"dns"}
        written = {text.text for text in root.iter(f"{SVG}text")}
        assert {item.version.version for item in built.components.values() if not item.external} <= {
            word for text in written for word in (text or "").split()
        }


def test_every_open_input_is_marked_on_its_component() -> None:
    for built in landscapes():
        root = ElementTree.fromstring(svg(built))  # noqa: S314
        told = {
            g.attrib["data-component"]: " ".join(title.text or "" for title in g.iter(f"{SVG}title"))
            for g in groups(root, "component")
        }
        for item in built.open_inputs:
            assert item.input.title in told[item.component]


def test_what_waits_has_no_pods_and_what_exists_already_has_its_address() -> None:
    waiting, external = 0, 0
    for built in landscapes():
        for card in picture(built).cards:
            settings = built.environment.components[card.name].external
            if settings is not None:
                external += 1
                assert (card.pods, card.host) == ((), f"{settings.host}:{settings.port}")
            elif card.name in built.waiting:
                waiting += 1
                assert card.waits
                assert not card.pods
            else:
                assert card.pods
                assert not card.waits
    assert waiting
    assert external


def test_pods_are_counted_as_the_objects_say() -> None:
    for built in landscapes():
        counted = {(c.name, p): n for c in picture(built).cards for p, n in c.pods}
        for item in built.objects:
            if item.kind in ("Deployment", "StatefulSet"):
                assert counted.pop((item.component, item.name.rpartition("/")[2])) == item.body["spec"]["replicas"]
            elif item.kind == "Cluster":
                assert counted.pop((item.component, "instance")) == item.body["spec"]["instances"]
        assert counted == {}


def test_the_same_landscape_gives_the_same_bytes_in_every_process() -> None:
    command = [sys.executable, "-m", "ggi", "--lang", "en", "diagram", "gm9901-prod"]
    drawn = {
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2", "3")
    }
    assert len(drawn) == 1


def test_the_picture_in_the_documentation_is_what_the_command_draws() -> None:
    built = standard()
    before = messages.language()
    messages.set_language("en")
    try:
        wanted = svg(built)
    finally:
        messages.set_language(before)
    fresh = (ROOT / PICTURE).read_text(encoding="utf-8") == wanted
    assert fresh, f"run: ggi --lang en diagram gm9901-prod --out {PICTURE}"


def test_the_drawing_asks_for_nothing_and_runs_nothing() -> None:
    for built in landscapes():
        text = svg(built)
        assert not re.search(r"<script|<image|<use|@import|@font-face|url\(|href|\bon[a-z]+=", text)
        assert re.findall(r"https?://[^\"'<\s]+", text) == ["http://www.w3.org/2000/svg"]


def test_the_drawing_has_a_name_and_a_description_for_screen_readers() -> None:
    built = landscapes()[0]
    root = ElementTree.fromstring(svg(built))  # noqa: S314
    assert root.attrib["role"] == "img"
    labelled = root.attrib["aria-labelledby"].split()
    texts = {e.attrib["id"]: e.text for e in root if e.get("id")}
    assert all(texts[name] for name in labelled)
    assert built.environment.tenant.name in (texts["title"] or "")


def test_a_title_with_special_characters_is_escaped() -> None:
    title = "Nuenen, <Gerwen> & 'Nederwetten' \"ë\""
    drawn = Picture(title, "", "", "ns", (), (), ())
    root = ElementTree.fromstring(paint(drawn))  # noqa: S314
    assert root.findtext(f"{SVG}title") == title
