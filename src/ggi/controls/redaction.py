"""Taking the values out of Secrets before anything is judged: what is left says what kind of value it is.

`reference`: it comes from a derived, given or vault secret. `literal`: it is written in content or inventory. `weak`:
it is one of the values that everybody knows, or is too short to be a secret. `hidden`: nobody looked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ggi.catalogue.secrets import SecretText

REFERENCE, LITERAL, WEAK, HIDDEN = "reference", "literal", "weak", "hidden"
"""Kinds of value in the `data` of a Secret. Example: `subject.body["data"]["password"] in (LITERAL, WEAK)`."""
SHORTEST = 12
"""Characters of the shortest value that is not called weak."""
DEFAULTS = frozenset(
    (
        "admin", "changeme", "change-me", "default", "guest", "password", "postgres", "root", "secret", "secretkey",
        "test", "welkom", "welkom01", "changeit",
    )
)  # fmt: skip
"""Values that installers ship and scanners try first."""


def kind_of_text(text: SecretText) -> str:
    """`reference` when a secret is in it, else `literal`."""
    return REFERENCE if text.refs else LITERAL


def _kind_of_value(value: Any, encoded: bool) -> str:
    if not isinstance(value, str):
        return HIDDEN
    plain = value
    if encoded:
        try:
            plain = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return HIDDEN
    return WEAK if plain.strip().lower() in DEFAULTS or len(plain) < SHORTEST else HIDDEN


def redacted(body: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret of a cluster or of a state without its values, and without the annotation that repeats them."""
    result = dict(body)
    metadata = dict(result.get("metadata") or {})
    notes = metadata.get("annotations") or {}
    if "kubectl.kubernetes.io/last-applied-configuration" in notes:
        metadata["annotations"] = {
            k: v for k, v in notes.items() if k != "kubectl.kubernetes.io/last-applied-configuration"
        }
    metadata.pop("managedFields", None)
    result["metadata"] = metadata
    data: dict[str, str] = {}
    for field, encoded in (("data", True), ("stringData", False)):
        values = result.pop(field, None)
        if isinstance(values, Mapping):
            data |= {key: _kind_of_value(value, encoded) for key, value in values.items()}
    if data:
        result["data"] = data
    return result
