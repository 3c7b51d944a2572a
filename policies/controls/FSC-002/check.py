"""The tenant has an OIN, and the directory's peer id is one: 20 positions that begin with four zeros or more."""

import re
from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

OIN = re.compile(r"0000[0-9]{16}")
SUBJECT = "fscmanager/ConfigMap/env"


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the manager."""
    data = seen.config("fscmanager", "env")
    if data is None:
        return
    oin, directory = seen.environment.tenant.file.oin or "", data.get("DIRECTORY_PEER_ID", "")
    fine = bool(OIN.fullmatch(oin) and OIN.fullmatch(directory))
    yield verdict(SUBJECT, fine, [Detail("own", oin or "none"), Detail("directory", directory or "none")])
