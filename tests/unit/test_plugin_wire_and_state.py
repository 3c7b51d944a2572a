"""Property values on the wire, and the object as it is kept in the state."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.plugins.kubernetes import wire
from sandbox.plugins.kubernetes.state import checkpoint, field_manager, manifest, marked, parse
from sandbox.plugins.kubernetes.wire import Secret, Unknown

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.builds(Unknown)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.builds(Secret, inner)
    ),
    max_leaves=12,
)


@settings(deadline=None)  # a busy machine is no defect
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_what_is_written_to_the_wire_is_read_back_the_same(mapping: dict[str, Any]) -> None:
    assert wire.read(wire.write(mapping)) == mapping


def test_a_whole_number_stays_a_whole_number_and_a_boolean_a_boolean() -> None:
    found = wire.read(wire.write({"replicas": 3, "on": True, "ratio": 0.5}))
    assert [type(found[key]) for key in ("replicas", "on", "ratio")] == [int, bool, float]


def test_an_output_value_is_taken_for_what_it_holds() -> None:
    known = {wire.SIGNATURE: wire.OUTPUT, "value": "x", "secret": True}
    unknown = {wire.SIGNATURE: wire.OUTPUT}
    assert wire.read(wire.write({"a": known, "b": unknown})) == {"a": Secret("x"), "b": Unknown()}


def test_a_secret_is_hidden_from_a_message_in_both_its_forms() -> None:
    encoded = base64.b64encode(b"hunter2hunter2").decode()
    properties = {"kind": "Secret", "data": {"password": encoded}, "metadata": {"name": Secret("hush-hush")}}
    message = wire.redact(f"invalid: {encoded} or hunter2hunter2 of hush-hush", properties)
    assert message == "invalid: [secret] or [secret] of [secret]"
    assert "hush" not in repr(properties["metadata"])


def test_the_data_of_a_secret_is_marked_even_when_the_program_did_not() -> None:
    kept = marked({"kind": "Secret", "data": {"a": "eA=="}, "metadata": {"name": "n"}}, {})
    assert kept == {"kind": "Secret", "data": Secret({"a": "eA=="}), "metadata": {"name": "n"}}


def test_kubectls_copy_of_a_secret_is_marked_too() -> None:
    key = "kubectl.kubernetes.io/last-applied-configuration"
    kept = marked({"kind": "Secret", "metadata": {"annotations": {key: "{}"}}}, {})
    assert kept["metadata"]["annotations"][key] == Secret("{}")


def test_a_list_with_one_secret_becomes_secret_as_a_whole() -> None:
    values = {"env": [{"name": "A", "value": "x"}, {"name": "B", "value": "y"}], "image": "i"}
    source = {"env": [{"name": "A", "value": Secret("x")}, {"name": "B", "value": "y"}], "image": "i"}
    assert marked(values, source) == {"env": Secret(values["env"]), "image": "i"}


def test_a_checkpoint_can_be_taken_apart_and_has_the_official_keys() -> None:
    live = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n", "uid": "u"}, "data": {"a": "eA=="}}
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "data": {"a": "eA=="}}
    stored = checkpoint(live, inputs, inputs, "v1", "me")
    assert set(stored) - set(live) == {"__inputs", "__initialApiVersion", "__fieldManager"}
    assert stored["data"] == stored["__inputs"]["data"] == Secret({"a": "eA=="})
    again = parse(stored)
    assert (again.live, again.inputs, again.api_version, again.field_manager) == (live, inputs, "v1", "me")


def test_a_crds_schema_extensions_are_written_with_underscores_in_the_state() -> None:
    crd = {"kind": "CustomResourceDefinition", "spec": {"x-kubernetes-list-type": "set"}}
    stored = checkpoint(crd, crd, {}, "apiextensions.k8s.io/v1", "me")
    assert stored["spec"] == {"x_kubernetes_list_type": "set"}
    assert manifest(stored)["spec"] == crd["spec"]


def test_the_field_manager_is_the_annotations_then_the_states_then_one_made_of_the_urn() -> None:
    chosen = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "team"}}}
    assert field_manager("urn:a", "kept", chosen) == "team"
    assert field_manager("urn:a", "kept", {}) == "kept"
    assert field_manager("urn:a", "", {}) == field_manager("urn:a", "", {}) != field_manager("urn:b", "", {})
