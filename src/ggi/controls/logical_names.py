"""Which object of a landscape a live one is, by what it is called in the cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ggi.catalogue.secrets import NO_TAG
from ggi.landscape.build import Landscape


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


class LogicalNames:
    """Logical names of a landscape's objects by what they are called in the cluster."""

    def __init__(self, built: Landscape | None) -> None:
        self._exact: dict[tuple[str, str, str], str] = {}
        self._hashed: list[tuple[tuple[str, str], re.Pattern[str], str]] = []
        for item in built.objects if built is not None else ():
            if item.base or NO_TAG in item.kube_name:
                tagged = re.escape(item.kube_name).replace(NO_TAG, "[0-9a-z]{8}")
                pattern = re.compile(re.escape(item.base) + r"(-r[0-9]+)?-[0-9a-z]{8}" if item.base else tagged)
                self._hashed.append(((_group(item.api_version), item.kind), pattern, item.name))
            else:
                self._exact[_group(item.api_version), item.kind, item.kube_name] = item.name
        self._all = {*self._exact.values(), *(name for _, _, name in self._hashed)}

    def of(self, body: Mapping[str, Any]) -> str:
        """The logical name; for a stranger `<component or ?>/<Kind>/<name>`, which is never that of one of ours."""
        kind, metadata = str(body.get("kind", "")), body.get("metadata") or {}
        group, name = _group(str(body.get("apiVersion", ""))), str(metadata.get("name", ""))
        if (group, kind, name) in self._exact:
            return self._exact[group, kind, name]
        for known, pattern, logical in self._hashed:
            if known == (group, kind) and pattern.fullmatch(name):
                return logical
        labels = metadata.get("labels") or {}
        shown = f"{labels.get('app.kubernetes.io/name', '?')}/{kind}/{name}"
        return f"?/{kind}/{name}" if shown in self._all else shown
