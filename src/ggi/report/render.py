"""`render(built, folder)`: a landscape as files that people and other tools read: manifests, relations, flows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ggi.landscape.build import Landscape
from ggi.landscape.network import End, Flow
from ggi.landscape.objects import PLATFORM, Body, Object

KUBERNETES = "kubernetes"
MARK = "# Rendered by ggi from stack "
"""First line of every file that is written here; only files that begin with it are ever removed."""
OWN = re.compile(r"\d{2,}-[a-z0-9][a-z0-9-]*\.yaml")
SECRETS = (
    "# Values of Secrets are placeholders that say which secret stands there; xxxxxxxx in a name stands for the tag",
    "# that the engine computes. Real values exist only in the cluster: nothing in this file is secret.",
)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Without anchors, and with text of several lines as such."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _string(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


def manifest(item: Object) -> Body:
    """An object as it can be written to a file: secrets as placeholders in `stringData`, never a value."""
    body = dict(item.body)
    if item.secrets:
        body["stringData"] = {key: text.placeholder() for key, text in item.secrets.items()}
    return body


def documents(items: Iterable[Object]) -> str:
    """Several manifests as one YAML text."""
    stream = io.StringIO()
    for item in items:
        stream.write("---\n")
        yaml.dump(manifest(item), stream, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return stream.getvalue()


def file_names(built: Landscape) -> Mapping[str, str]:
    """The file of every component that has objects, numbered so that providers come before those who wait for them."""
    present = {item.component for item in built.objects}
    order = [name for name in (PLATFORM, *built.order) if name in present]
    order += sorted(present - set(order))
    digits = max(2, len(str(len(order) - 1)))
    return {name: f"{number:0{digits}}-{name}.yaml" for number, name in enumerate(order)}


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    stream = io.StringIO()
    if rows:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return stream.getvalue()


def relations_csv(built: Landscape) -> str:
    """The relations as a table: who uses which APIs of whom, how it shows who it is, and where that was switched on."""
    rows = [
        {
            "consumer": r.consumer,
            "processes": " ".join(r.processes),
            "provider": r.provider,
            "process": r.process,
            "apis": " ".join(api.name for api in r.apis),
            "auth": r.auth,
            "host": r.host,
            "port": r.port,
            "container_port": r.container_port,
            "credentials": " ".join(f"{c.client_id}={c.secret}" for c in r.accepted),
            "source": built.environment.origin("components", r.consumer, "enabled"),
        }
        for r in built.relations
    ]
    return _table(rows)


def flows_csv(built: Landscape) -> str:
    """The network flows that are allowed; everything else is denied. An end is `component/process` or an edge."""
    dns = built.environment.cluster.dns
    everyone = Flow(End("", edge="all pods"), End("", edge="dns"), tuple(dns.ports), tuple(dns.protocols), "edge dns")
    rows = [
        {
            "source": flow.source,
            "target": flow.target,
            "ports": " ".join(map(str, flow.ports)),
            "protocols": " ".join(flow.protocols),
            "reason": flow.reason,
        }
        for flow in (*built.flows, everyone)
    ]
    return _table(rows)


def _own(path: Path) -> bool:
    if not OWN.fullmatch(path.name) or path.is_symlink() or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline().startswith(MARK)


def render(built: Landscape, folder: Path) -> list[Path]:
    """Write `folder/kubernetes/NN-<component>.yaml` in the order of creation, `relations.csv` and `flows.csv`.

    Returns the files. Files of an earlier rendering that no longer belong there are removed, others are left alone.
    Raises OSError when a file can't be written.
    """
    target = folder / KUBERNETES
    target.mkdir(parents=True, exist_ok=True)
    names = file_names(built)
    for path in sorted(target.iterdir()):
        if path.name not in names.values() and _own(path):
            path.unlink()
    written = []
    head = f"{MARK}{built.stack}, release {built.environment.release}. Do not edit: change the inventory."
    for component, name in names.items():
        items = built.of(component)
        header = [head, *(SECRETS if any(item.secrets for item in items) else ())]
        written.append(_write(target / name, "\n".join(header) + "\n" + documents(items)))
    written.append(_write(folder / "relations.csv", relations_csv(built)))
    written.append(_write(folder / "flows.csv", flows_csv(built)))
    return written


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
