"""`python -m sandbox start|stop|status|reset|kubeconfig [--name N] [--json]`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from ggi.errors import GgiError
from sandbox import controlplane
from sandbox.layout import DEFAULT


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=("start", "stop", "status", "reset", "kubeconfig"))
    parser.add_argument("--name", default=DEFAULT, help="which sandbox (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    chosen = parser.parse_args(arguments)
    try:
        answer, lines = _run(chosen.command, chosen.name)
    except GgiError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)  # noqa: T201
        return 130
    print(json.dumps(answer, indent=1) if chosen.json else "\n".join(lines))  # noqa: T201
    return 0


def _run(command: str, name: str) -> tuple[dict[str, Any], list[str]]:
    began = time.monotonic()
    if command == "start":
        found = controlplane.start(name, _say)
        answer = controlplane.status(name)
        lines = [
            f"sandbox {name} is ready after {time.monotonic() - began:.1f} s at {found.server}",
            answer["simulated"],
        ]
        return answer, lines
    if command == "stop":
        ran = controlplane.stop(name, _say)
        return {"name": name, "stopped": ran}, [
            f"sandbox {name} is stopped" if ran else f"sandbox {name} was not running"
        ]
    if command == "reset":
        ran = controlplane.reset(name, _say)
        return {"name": name, "reset": True, "ran": ran}, [f"sandbox {name} is empty and stopped"]
    if command == "kubeconfig":
        path = controlplane.kubeconfig(name)
        return {"name": name, "kubeconfig": str(path)}, [str(path)]
    answer = controlplane.status(name)
    return answer, describe(answer)


def describe(answer: dict[str, Any]) -> list[str]:
    """The lines that a person reads."""
    nodes = answer["nodes"]
    lines = [
        f"sandbox {answer['name']}: {answer['state']}, Kubernetes {answer['kubernetes']}, context {answer['context']}",
        f"  {answer['server'] or 'no server yet'}, {nodes['ready']} of {nodes['total']} nodes ready, "
        f"{answer['memory_mib']} MiB",
    ]
    for part in answer["parts"]:
        health = "healthy" if part["healthy"] else "not healthy" if part["pid"] else "not running"
        pid = (
            f"pid {part['pid']}, port {part['port']}, {part['memory_mib']} MiB" if part["pid"] else f"log {part['log']}"
        )
        lines.append(f"  {part['name']:24} {health:12} {pid}")
    return [*lines, f"  {answer['simulated']}"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
