"""Stacks as a version of the toolkit left them: recorded in one file, and laid in a sandbox as if made there.

`python tests/engine/recording.py FOLDER STACK...` keeps stacks of the sandbox with that state folder (`.../pulumi`) in
`previous/stacks.json.gz`: state, configuration, passphrase, the engine's history and the trail, as they were written.
What tells of a machine or a person is left out; the trail's chain is made anew without it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from ggi.assurance.trail import add, message_of
from ggi.engine.guard import cluster_identity
from ggi.engine.kubeapi import KubeApi
from ggi.engine.target import IDENTITY
from ggi.files import write_atomically
from sandbox.plugins.kubernetes.cluster import ClusterClient

PREVIOUS = Path(__file__).parent / "previous"
RECORDED = PREVIOUS / "stacks.json.gz"
WHO = {"host": "werkplek", "user": "beheerder"}
"""Who acted, in the place of who it was."""
CHAINED = ("format", "number", "at", "stack", "previous", "hash")
"""What `add` writes in each line of a trail."""
SECRET = "4dabf18193072939515e22adb298388d"
"""Pulumi's mark of a secret, the same in every state."""


def paths(stack: str) -> dict[str, str]:
    """Where a stack's files are in the state folder of a sandbox."""
    return {
        "configuration": f"Pulumi.{stack}.yaml",
        "state": f"state/.pulumi/stacks/ggi/{stack}.json",
        "history": f"state/.pulumi/history/ggi/{stack}/{stack}-1.history.json",
        "trail": f"trail/{stack}.jsonl",
    }


def record(folder: Path, stacks: list[str]) -> None:
    """Write RECORDED from stacks that were updated once."""
    files = {"passphrase": (folder / "passphrase").read_text(encoding="utf-8")}
    for stack in stacks:
        named = paths(stack)
        state = json.loads((folder / named["state"]).read_bytes())
        for resource in state["checkpoint"]["latest"]["resources"]:
            resource.pop("sourcePosition", None)
            resource.pop("stackTrace", None)
        [once] = (folder / named["history"]).parent.glob("*.history.json")
        history = json.loads(once.read_bytes()) | {"environment": {}}
        if (folder / named["trail"]).exists():
            files[named["trail"]], history["message"] = _impersonal(folder / named["trail"], stack)
        else:
            history["message"] = ""
        files[named["configuration"]] = (folder / named["configuration"]).read_text(encoding="utf-8")
        files[named["state"]] = json.dumps(state)
        files[named["history"]] = json.dumps(history)
    PREVIOUS.mkdir(exist_ok=True)
    RECORDED.write_bytes(gzip.compress(json.dumps(files).encode(), mtime=0))


def _impersonal(path: Path, stack: str) -> tuple[str, str]:
    """The trail by WHO, and what the engine's history says of its first line."""
    with tempfile.TemporaryDirectory() as folder:
        anew = Path(folder) / "trail"
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [
            add(
                anew,
                stack,
                {k: WHO if k == "who" else v for k, v in line.items() if k not in CHAINED},
                dt.datetime.fromisoformat(line["at"]),
            )
            for line in records
        ]
        return anew.read_text(encoding="utf-8"), message_of(lines[0])


def recorded() -> dict[str, str]:
    """The recorded files: text by path in the state folder of a sandbox."""
    found: dict[str, str] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return found


def lay(folder: Path, api: KubeApi) -> None:
    """Write the recorded files in the empty state folder of a sandbox, as if its cluster had been theirs."""
    files = recorded()
    configuration = next(content for name, content in files.items() if name.endswith(".yaml"))
    known = configuration.partition(f"ggi:{IDENTITY}: ")[2].split()[0]
    for name, content in files.items():
        write_atomically(folder / name, content.replace(known, cluster_identity(api)))


def make_objects(api: KubeApi, exported: dict[str, Any]) -> None:
    """Make the objects of a state, with its secrets in plain text, as the plugin makes new ones, in its order."""
    cluster = ClusterClient(api, threading.Event())
    for resource in exported["deployment"]["resources"]:
        if resource["type"].startswith("kubernetes:"):
            cluster.create(_revealed(resource["inputs"]), dry_run=False)


def _revealed(value: Any) -> Any:
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if SECRET in value:
        return _revealed(json.loads(value["plaintext"]))
    return {key: _revealed(item) for key, item in value.items()}


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
