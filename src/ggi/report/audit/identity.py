"""Names that are the same at every run on the same input: UUIDs for OSCAL, fingerprints for SARIF."""

from __future__ import annotations

import hashlib
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ggi:audit")
"""Of all our version 5 UUIDs (RFC 9562, section 5.5)."""


def identity(*parts: str) -> str:
    """A UUID that follows from `parts` alone."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def fingerprint(*parts: str) -> str:
    """32 hexadecimal digits that follow from `parts` alone."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
