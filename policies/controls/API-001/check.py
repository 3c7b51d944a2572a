"""The paths under which components offer HTTP APIs to others: a major version, and parts in kebab case."""

import re
from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

PART = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
VERSION = re.compile(r"v[1-9][0-9]*")


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per API with a path of its own; protocols such as SQL and OpenID Connect have none."""
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        for api in () if item.external else item.component.offers:
            parts = [part for part in api.path.split("/") if part]
            if parts:
                wrong = [Detail("part", part) for part in parts if not PART.fullmatch(part)]
                wrong += [] if any(map(VERSION.fullmatch, parts)) else [Detail("no-major-version")]
                yield verdict(f"{name}/Api/{api.name}", not wrong, [Detail("path", api.path), *wrong])
