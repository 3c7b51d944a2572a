"""A place to deploy to: a sandbox and state of the tests' own, an inventory to write in, and the command line."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.catalogue.content import load_catalogue
from ggi.engine.guard import LOGICAL_NAME
from ggi.engine.kubeapi import KubeApi, Object
from ggi.engine.kubehttp import NotFoundError, UnknownKindError
from ggi.inventory.load import Inventory
from ggi.landscape.build import Landscape, landscape
from ggi.paths import ROOT

LITTLE = ("keycloak", "openzaak", "opennotificaties", "openobject", "openformulieren")
"""What is switched off where speed matters: Open Klant stays, with PostgreSQL and Redis; about 40 objects."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would reach into the tests."""
    wanted = {"GGI_CACHE_HOME"}
    found = {k: v for k, v in os.environ.items() if k in wanted or not k.startswith(("GGI_", "PULUMI_", "KUBE"))}
    return found | {"LC_ALL": "C.UTF-8"}


@dataclass
class Place:
    """`folder` holds the inventory and all state; `sandbox` is the sandbox's name in it."""

    folder: Path
    sandbox: str = "deploy"
    variables: dict[str, str] = field(default_factory=dict)
    _api: KubeApi | None = None
    _exports: dict[object, dict[str, str]] = field(default_factory=dict)

    @property
    def inventory(self) -> Path:
        return self.folder / "inventories"

    @property
    def state(self) -> Path:
        """The folder of the stacks' state, passphrase and configuration."""
        return self.folder / "state" / "sandbox" / self.sandbox / "pulumi"

    def checkpoint(self, stack: str) -> Path:
        """The file that holds a stack's state."""
        return self.state / "state" / ".pulumi" / "stacks" / "ggi" / f"{stack}.json"

    def environment(self, **more: str) -> dict[str, str]:
        own = {"GGI_STATE_HOME": str(self.folder / "state"), "GGI_SANDBOX": self.sandbox}
        return clean_environment() | own | self.variables | more

    def prepare(self) -> None:
        """Make the inventory: the checkout's, without any tenant."""
        shutil.copytree(ROOT / "inventories", self.inventory)
        for name in ("tenants", "networks", "m365", "stacks"):
            for path in (self.inventory / name).glob("*.yaml"):
                path.unlink()

    def tenant(self, code: str, release: str = "2026.3", **more: Any) -> str:
        """Write the file of a little tenant with acceptatie alone; returns the name of its stack.

        `components` are added to what is switched off, `environment` to the environment; `more` goes into the file.
        """
        parts: dict[str, Any] = {name: {"enabled": False} for name in LITTLE} | more.pop("components", {})
        file = {
            "gemeente": code,
            "name": f"Proefdorp {code[-4:]}",
            "province": "Utrecht",
            "inhabitants": 9000,
            "oin": f"00000099{code[-4:]}00000000",
            "region": "midden",
            "ring": 1,
            "environments": {
                "accp": {"release": release, "domain": f"{code.lower()}.test"} | more.pop("environment", {})
            },
            "components": parts,
        } | more
        path = self.inventory / "tenants" / f"{code.lower()}.yaml"
        # One key per line: messages name lines.
        lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in file.items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return f"{code.lower()}-accp"

    def landscape(self, stack: str) -> Landscape:
        """The landscape that the inventory asks for now."""
        catalogue = load_catalogue()
        inventory = Inventory(self.inventory, catalogue.known)
        tenant, name = inventory.find(stack)
        return landscape(inventory.environment(tenant, name), catalogue)

    def command(self, *arguments: str) -> list[str]:
        inventory = [] if arguments[0] == "sandbox" else ["--inventory", str(self.inventory)]
        return [sys.executable, "-m", "ggi", *inventory, *arguments]

    def ggi(self, *arguments: str, code: int = 0, timeout: float = 400, **variables: str) -> Ran:
        """Run the command line; assert its exit code, and that nobody sees a traceback."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert ran.code == code, f"exit code {ran.code}, not {code}:\n{ran.text}"
        assert "Traceback" not in ran.text
        return ran

    def up(self, stack: str, *more: str, code: int = 0, **variables: Any) -> Ran:
        return self.ggi("up", stack, "--sandbox", "--yes", *more, code=code, **variables)

    def changes(self, stack: str, verb: str = "preview") -> dict[str, str]:
        """What an update would do (or, with `up`, what it did): the operation of each object that is not the same."""
        more = ("--yes",) if verb == "up" else ()
        return {s["name"]: s["op"] for s in self.ggi(verb, stack, "--sandbox", "--json", *more).json["steps"]}

    def begin(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the command line and do not wait; in a process group of its own, as a shell does."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def exports(self, stack: str) -> dict[str, str]:
        """The environment after `eval "$(ggi env STACK --sandbox)"` in a shell.

        It is asked once, and again when there is no such stack: then that makes it.
        """
        asked = (stack, *sorted(self.variables.items()))
        if asked in self._exports and self.checkpoint(stack).exists():
            return self._exports[asked]
        printed = self.ggi("env", stack, "--sandbox").out
        done = subprocess.run(
            ["sh", "-c", 'eval "$1"; env -0', "sh", printed],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        self._exports[asked] = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
        return self._exports[asked]

    def pulumi(self, stack: str, *arguments: str, code: int = 0, given: str = "", **variables: str) -> Ran:
        """Run plain `pulumi` in the checkout, in that environment."""
        done = subprocess.run(
            ["pulumi", *arguments, "-s", stack, "--non-interactive", "--color=never"],
            cwd=ROOT,
            env=self.exports(stack) | variables,
            input=given,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert ran.code == code, f"exit code {ran.code}, not {code}:\n{ran.text}"
        assert "Traceback" not in ran.text
        return ran

    def plain(self, environment: dict[str, str], *arguments: str) -> Ran:
        """Run `pulumi` in the checkout with `environment`, whatever comes of it."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "state" / "sandbox" / self.sandbox / "kubeconfig"

    @property
    def api(self) -> KubeApi:
        """A client with all rights, for looking and meddling by hand."""
        if self._api is None:
            self._api = KubeApi.from_kubeconfig(self.kubeconfig)
        return self._api

    def objects(self, stack: str, namespace: str = "") -> dict[tuple[str, str], Object]:
        """Every live object of any kind in the stack's namespace, and the namespace itself, by kind and name."""
        namespace = namespace or stack
        found: dict[tuple[str, str], Object] = {}
        for kind in self.api.resource_types():
            if not (kind.namespaced and kind.preferred and "list" in kind.verbs):
                continue
            try:
                items = self.api.list(kind.api_version, kind.kind, namespace)
            except (NotFoundError, UnknownKindError):
                continue
            found |= {(kind.kind, item["metadata"]["name"]): item for item in items}
        own = self.api.find("v1", "Namespace", namespace)
        return found | ({("Namespace", namespace): own} if own else {})

    def labelled(self, stack: str) -> list[str]:
        """Every object anywhere that carries the stack's label."""
        found = []
        for kind in self.api.resource_types():
            if kind.preferred and "list" in kind.verbs:
                try:
                    items = self.api.list(kind.api_version, kind.kind, labels=f"ggi/stack={stack}")
                except (NotFoundError, UnknownKindError):
                    continue
                found += [f"{kind.kind} {item['metadata']['name']}" for item in items]
        return sorted(set(found))

    def generations(self, stack: str, namespace: str = "") -> dict[tuple[str, str], object]:
        """What tells whether anybody wrote: uid, generation, labels, data and our annotations of all that we make."""
        found: dict[tuple[str, str], object] = {}
        for key, item in self.objects(stack, namespace).items():
            if item["metadata"].get("labels", {}).get("ggi/stack") == stack:
                meta = item["metadata"]
                own = {key: text for key, text in meta.get("annotations", {}).items() if key.startswith("ggi/")}
                seen = (meta["labels"], item.get("data"), own)
                found[key] = (meta["uid"], meta.get("generation"), str(seen))
        return found

    def whole(self, stack: str, namespace: str = "") -> None:
        """Assert that state and cluster have every object of the landscape, and that the state has no doubt."""
        wanted = sorted(item.name for item in self.landscape(stack).objects)
        state = json.loads(self.checkpoint(stack).read_text(encoding="utf-8"))["checkpoint"]["latest"]
        kept = [r["urn"].rpartition("::")[2] for r in state["resources"] if r["type"].startswith("kubernetes:")]
        assert sorted(kept) == wanted
        assert not state.get("pending_operations")
        live = {
            (kind, o["metadata"].get("annotations", {}).get(LOGICAL_NAME))
            for (kind, _), o in self.objects(stack, namespace).items()
        }
        assert {(name.split("/")[1], name) for name in wanted} <= live

    def labelled_in(self, stack: str) -> list[str]:
        """Names of some kinds of objects that the stack has made; quick enough to be asked again and again."""
        kinds = (("v1", "ServiceAccount"), ("v1", "Service"), ("v1", "ConfigMap"), ("v1", "Secret"))
        return [i["metadata"]["name"] for k in kinds for i in self.api.list(*k, stack, labels=f"ggi/stack={stack}")]

    @property
    def locks(self) -> Path:
        """Where the engine keeps the locks of stacks."""
        return self.state / "state" / ".pulumi" / "locks"

    @property
    def context(self) -> str:
        return f"ggi-sandbox-{self.sandbox}"

    @property
    def root(self) -> Path:
        return ROOT

    def engine_of(self, pid: int) -> int:
        """The process id of the engine that the command line `pid` has started."""
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    command = (folder / "cmdline").read_text()
                except OSError:
                    continue
                if int(fields[1]) == pid and "pulumi\0up" in command:
                    return int(folder.name)
        raise AssertionError("the engine does not run")

    def pid_of(self, part: str) -> int:
        """The recorded process id of a part of the sandbox."""
        record = self.folder / "state" / "sandbox" / self.sandbox / "run" / f"{part}.json"
        return int(json.loads(record.read_text())["pid"])

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Kill a part of the sandbox for a while."""
        os.kill(self.pid_of(part), signal.SIGKILL)
        try:
            yield
        finally:
            self.ggi("sandbox", "start")

    def close(self) -> None:
        """Stop the sandbox."""
        if self._api is not None:
            self._api.close()
        subprocess.run(
            self.command("sandbox", "stop"), cwd=self.folder, env=self.environment(), capture_output=True, check=False
        )


def eventually(found: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `found` returns something true."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def differing(old: Landscape, new: Landscape) -> set[str]:
    """The logical names of what two landscapes have differently, without asking the engine."""
    before = {o.name: (o.body, dict(o.secrets)) for o in old.objects}
    after = {o.name: (o.body, dict(o.secrets)) for o in new.objects}
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def spelled(value: str) -> list[str]:
    """A secret as it could stand somewhere: plain, and in base64 at each offset of a longer text."""
    middle = [base64.b64encode(b"\0" * pad + value.encode()).decode()[4:-4] for pad in range(3)]
    return [value, base64.b64encode(value.encode()).decode(), *middle]
