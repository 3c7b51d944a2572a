"""Approvals: what a key signs, what proves one, and which ones count. What is approved is a line of the trail.

A signature can be checked by anybody, for as long as the inventory lists the key. What a CI system or a cluster proved
was checked when the line was written, by the program that wrote it: later, the line and the chain are all there is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ggi.errors import InputError, Problem
from ggi.inventory.models import ChangeRules
from ggi.messages import t

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# Cryptography is imported where a signature is made or checked: most trails have none, and every `ggi` reads trails.

SIGNATURE = "signature"
"""What proves an approval that a key of the inventory signed."""


def signed_content(approved: Mapping[str, Any], role: str, remark: str) -> bytes:
    """What a key signs of an approval: the line that is approved (its hash, so no other), the role, the remark."""
    said = {"stack": approved["stack"], "of": approved["hash"], "role": role, "remark": remark}
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(key: Ed25519PrivateKey, approved: Mapping[str, Any], role: str, remark: str, rules: ChangeRules) -> str:
    """The signature of an approval, in base64. Raises InputError when the inventory lists no such key for the role."""
    from ggi.assurance.signing import ssh_line

    line = ssh_line(key.public_key())
    if line not in rules.approvers.get(role, ()):
        raise InputError(
            Problem(
                t("this key is not one of {role} in the inventory", role=role),
                t("national.yaml lists the keys of approvers: changes.approvers, {role}: [{key}]", role=role, key=line),
            )
        )
    return base64.b64encode(key.sign(signed_content(approved, role, remark))).decode()


def is_signed(approval: Mapping[str, Any], approved: Mapping[str, Any], rules: ChangeRules) -> bool:
    """Whether one of the keys that the inventory lists for the role made the signature of this approval."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from ggi.assurance.signing import public_key, signed_by

    try:
        signature = base64.b64decode(str(approval.get("signature", "")), validate=True)
    except ValueError:
        return False
    role = str(approval.get("role", ""))
    content = signed_content(approved, role, str(approval.get("remark", "")))
    keys = (public_key(line.encode()) for line in rules.approvers.get(role, ()))
    return any(isinstance(key, Ed25519PublicKey) and signed_by(key, signature, content) for key in keys)


def proof_of(approval: Mapping[str, Any], approved: Mapping[str, Any], rules: ChangeRules) -> str:
    """What proves who approved: "signature", or the system that knew the person; empty when it was only stated."""
    if approval.get("signature"):
        return SIGNATURE if is_signed(approval, approved, rules) else ""
    return str(((approval.get("who") or {}).get("proven") or {}).get("by", ""))


def counts(approval: Mapping[str, Any], approved: Mapping[str, Any], rules: ChangeRules) -> bool:
    """Whether an approval is one, by `changes.approval` of the inventory; one with a forged signature never is."""
    proof = proof_of(approval, approved, rules)
    return bool(proof) or (rules.approval == "stated" and not approval.get("signature"))
