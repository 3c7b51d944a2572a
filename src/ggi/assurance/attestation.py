"""What an audit found as an attestation that other tools read and verify: an in-toto statement in a DSSE envelope.

Sources: in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md (v0.1); secure-systems-lab/dsse,
protocol.md: what is signed is `DSSEv1`, the length and text of the type, and the length and bytes of the payload.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ggi.assurance.signing import fingerprint
from ggi.audit.audit import Audit
from ggi.controls.verdict import Outcome

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"


def statement(files: Mapping[str, bytes], audits: Sequence[Audit]) -> dict[str, Any]:
    """The statement: these files by hash, and per control how it ended; what was not judged is among the warned."""
    worst: dict[str, Outcome] = {}
    order = (Outcome.NOT_APPLICABLE, Outcome.PASS, Outcome.WAIVED, Outcome.UNKNOWN, Outcome.FAIL)
    for audit in audits:
        for finding in audit.findings:
            before = worst.get(finding.control, Outcome.NOT_APPLICABLE)
            worst[finding.control] = max(before, finding.outcome, key=order.index)
    named = {outcome: sorted(name for name, found in worst.items() if found is outcome) for outcome in order}
    failed, warned = named[Outcome.FAIL], sorted([*named[Outcome.WAIVED], *named[Outcome.UNKNOWN]])
    inputs = [name for name in sorted(files) if name.startswith("inputs/")]
    return {
        "_type": STATEMENT,
        "subject": [_hashed(name, files[name]) for name in sorted(files)],
        "predicateType": PREDICATE,
        "predicate": {
            "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
            "configuration": [_hashed(name, files[name]) for name in inputs],
            "passedTests": named[Outcome.PASS],
            "warnedTests": warned,
            "failedTests": failed,
        },
    }


def envelope(found: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """A statement, signed, as JSON."""
    payload = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    whole = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": fingerprint(key.public_key()), "sig": base64.b64encode(key.sign(signed)).decode()}],
    }
    return (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()


def _hashed(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
