"""What counts as a network policy that was changed by hand."""

from __future__ import annotations

from ggi.engine.network_drift import differences

DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
OPEN = {**DENY, "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}


def test_no_rules_and_an_empty_list_of_rules_are_the_same() -> None:
    assert differences(DENY, {**DENY, "ingress": []}) == []
    assert differences({**DENY, "egress": []}, DENY) == []


def test_a_rule_behind_ours_or_where_there_was_none_differs() -> None:
    assert differences(OPEN, {**OPEN, "egress": [*OPEN["egress"], {}]}) == ["spec.egress"]
    assert differences(DENY, {**DENY, "ingress": [{}]}) == ["spec.ingress"]


def test_a_rule_or_a_type_that_was_taken_out_differs() -> None:
    assert differences(OPEN, DENY) == ["spec.egress"]
    assert differences(OPEN, {**OPEN, "policyTypes": ["Egress"]}) == ["spec.policyTypes"]
