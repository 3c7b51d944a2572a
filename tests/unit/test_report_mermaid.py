"""The Mermaid flowchart of a landscape."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ggi.report.mermaid import mermaid, quote
from ggi.report.picture import LAYERS
from tests.content import landscapes


def test_every_component_is_a_node_in_the_subgraph_of_its_layer() -> None:
    for built in landscapes():
        found: dict[str, str] = {}
        for name, body in re.findall(r"  subgraph layer_(\w+)\[.*?\]\n(.*?)\n  end", mermaid(built), re.DOTALL):
            found |= dict.fromkeys(re.findall(r"^    c_(\w+)", body, re.MULTILINE), name)
        assert found == {name: item.component.layer.value for name, item in built.components.items()}


def test_every_relation_is_an_arrow_with_its_apis() -> None:
    for built in landscapes():
        arrows = re.findall(r'^  c_(\w+) (?:-->|-\.->)\|"(.*?)"\| c_(\w+)$', mermaid(built), re.MULTILINE)
        assert [(a, b) for a, _, b in arrows] == [(r.consumer, r.provider) for r in built.relations]
        for (_, label, _), relation in zip(arrows, built.relations, strict=True):
            assert all((api.title or api.name) in label for api in relation.apis)


def test_every_edge_that_flows_use_is_a_node() -> None:
    for built in landscapes():
        text = mermaid(built)
        for flow in built.flows:
            for end, way in ((flow.source, "in"), (flow.target, "out")):
                if end.edge and not end.edge.startswith("external "):
                    assert f"e_{way}_{end.edge}([" in text


def test_every_arrow_runs_between_nodes_that_exist() -> None:
    for built in landscapes():
        text = mermaid(built)
        nodes = set(re.findall(r"^ +(\w+)[\[(]", text, re.MULTILINE))
        ends = re.findall(r"^  (\w+) -.*?>(?:\|.*\|)? (\w+)$", text, re.MULTILINE)
        assert ends
        assert {end for pair in ends for end in pair} <= nodes


def test_the_same_landscape_gives_the_same_text() -> None:
    for built in landscapes():
        assert mermaid(built) == mermaid(built)


@given(st.text())
def test_no_text_can_end_its_label(text: str) -> None:
    label = quote(text)
    assert label[0] == label[-1] == '"'
    assert not re.search(r'["\n<>`|\[\]{}\\]', label[1:-1])


def test_special_characters_become_entity_codes() -> None:
    assert quote('Nuenen & "Gerwen" #1') == '"Nuenen #38; #34;Gerwen#34; #35;1"'


def test_layers_have_their_dutch_names_in_order() -> None:
    text = mermaid(landscapes()[0])
    titles = [title for title in LAYERS.values() if f'["{title}"]' in text]
    assert titles == sorted(titles, key=lambda title: text.index(f'["{title}"]'))
    assert "Services" in titles
