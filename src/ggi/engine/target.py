"""Where a stack is deployed, as the environment that Pulumi needs: cluster, state, passphrase, plugins, inventory."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.engine.run_context import RunContext
from ggi.errors import InputError, Problem
from ggi.files import made_once
from ggi.inventory.stack import StackKind, kind_of
from ggi.messages import language, t
from ggi.paths import ROOT, state_dir

PROJECT = "ggi"
"""The Pulumi project, as Pulumi.yaml names it."""
IDENTITY = "clusterIdentity"
"""Configuration key under which a stack remembers its cluster."""
POLICY_PACK = "PULUMI_OPTION_POLICY_PACK"
"""Of itself the engine runs no policy pack; the options of the CLI can be given as variables."""


@dataclass(frozen=True, slots=True)
class Target:
    """The place of one stack. `context` is the kubeconfig's; `home` and `config_file` are the sandbox's own."""

    stack: str
    sandbox: bool
    cli: Path
    """The Pulumi program."""
    backend: str
    passphrase_file: Path | None
    kubeconfig: str
    context: str
    inventory: Path
    content: tuple[Path, ...] = ()
    home: Path | None = None
    config_file: Path | None = None
    """The stack's configuration file, when it is not the one in the inventory."""

    def run_context(self) -> RunContext:
        """What program and policy pack are told of this stack."""
        return RunContext(self.inventory, self.content, self.context, protect=not self.sandbox)

    def variables(self) -> dict[str, str]:
        """The environment variables, apart from PATH, under which plain `pulumi` works on this stack."""
        found: dict[str, str] = {
            "PULUMI_BACKEND_URL": self.backend,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "KUBECONFIG": self.kubeconfig,
            "PULUMI_OPTION_CONFIG_FILE": str(self.stack_file()),
            **self.run_context().to_env(),
        }
        if kind_of(self.stack) is not StackKind.CLUSTER:
            found[POLICY_PACK] = str(ROOT / "policies")
        if self.passphrase_file is not None:
            found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self.passphrase_file)
        if self.home is not None:
            found["PULUMI_HOME"] = str(self.home)
        return found

    def unwanted(self) -> tuple[str, ...]:
        """Variables that must not be set: this one would go before PULUMI_CONFIG_PASSPHRASE_FILE."""
        return ("PULUMI_CONFIG_PASSPHRASE",) if self.passphrase_file is not None else ()

    def stack_file(self) -> Path:
        """The stack's configuration: beside the sandbox's state, else in the inventory's folder `stacks`."""
        return self.config_file or self.inventory / "stacks" / f"Pulumi.{self.stack}.yaml"

    def configured(self) -> dict[str, Any]:
        """What is set in the stack's configuration file, secrets still encrypted; empty when there is no file.

        Read from the file: the CLI takes half a second to say the same. Raises InputError for a file that is no YAML.
        """
        import yaml

        path = self.stack_file()
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise InputError(
                Problem(
                    t("{file}: this configuration of a stack can't be read: {why}", file=path, why=why),
                    t("Restore it from version control; it holds the stack's encrypted root key."),
                )
            ) from None
        config = found.get("config") if isinstance(found, dict) else None
        return dict(config) if isinstance(config, dict) else {}

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """`base` (default: this process's environment) with the variables and the CLI first on PATH.

        The program that Pulumi starts speaks the language that is spoken here.
        """
        found = {k: v for k, v in (os.environ if base is None else base).items() if k not in self.unwanted()}
        found["GGI_LANG"] = language()
        path = found.get("PATH", os.defpath)
        if path.split(os.pathsep)[0] != str(self.cli.parent):
            found["PATH"] = f"{self.cli.parent}{os.pathsep}{path}"
        return found | self.variables()

    def exports(self) -> str:
        """The same for a shell: `eval` it."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(self.variables().items())]
        lines += [f"unset {name}" for name in self.unwanted()]
        return "\n".join([f'export PATH={shlex.quote(str(self.cli.parent))}:"$PATH"', *lines])


def passphrase_file(folder: Path) -> Path:
    """The file with the passphrase that encrypts secrets in state; made on first use, readable by its owner alone."""
    return made_once(folder / "passphrase", lambda: secrets.token_urlsafe(32).encode())


def without_engine_log(home: Path) -> None:
    """Switch the engine's automatic log off in a PULUMI_HOME that is ours.

    The CLI (3.25x) writes every value that passes through it to `logs/`, 15 MB and half of its processor time in each
    run, and has no switch for it; where it can't make the folder it goes on without. `-v=9 --logtostderr` still works.
    """
    logs = home / "logs"
    if logs.is_file():
        return
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.rmtree(logs, ignore_errors=True)
    logs.write_text("This file keeps the engine from writing its automatic log.\n", encoding="utf-8")


def local_state(sandbox: str | None) -> Path:
    """Folder of the state of stacks when no other backend is named: one per sandbox, and one for real clusters."""
    return state_dir() / "sandbox" / sandbox / "pulumi" if sandbox else state_dir() / "pulumi"


def real_backend() -> tuple[str, Path | None]:
    """Backend and passphrase file for real clusters: what the environment says, else files in the state folder."""
    backend = os.environ.get("PULUMI_BACKEND_URL")
    folder = local_state(None)
    if backend is None:
        (folder / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
        backend = f"file://{folder / 'state'}"
    if "PULUMI_CONFIG_PASSPHRASE" in os.environ:
        return backend, None
    if named := os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        return backend, Path(named).resolve()
    return backend, passphrase_file(folder)
