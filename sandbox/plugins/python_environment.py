"""Which Python runs a program, and which Pulumi packages it has."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ggi.errors import Problem, WorkError


@dataclass(frozen=True, slots=True)
class PulumiPackage:
    """One entry for the engine: the plugin `name` in `version` (with a leading v), and where to download it."""

    name: str
    version: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """A Python and its `virtualenv` (None: the one that is on PATH)."""

    python: Path
    virtualenv: Path | None

    @classmethod
    def resolve(cls, root: str, options: Mapping[str, object], *, must_exist: bool = True) -> PythonEnvironment:
        """Return what `runtime.options` of the project in folder `root` asks for.

        `virtualenv` is relative to `root`. Raises WorkError when it is not there (unless `must_exist` is off) and for
        a toolchain other than pip.
        """
        toolchain = options.get("toolchain", "pip")
        if toolchain != "pip":
            raise WorkError(
                Problem(f"The toolchain {toolchain!r} is not supported by this stand-in", "Use pip and a virtualenv.")
            )
        wanted = options.get("virtualenv") or ""
        if not isinstance(wanted, str):
            raise WorkError(Problem("The option 'virtualenv' in Pulumi.yaml must be text"))
        if not wanted:
            return cls(Path(shutil.which("python3") or sys.executable), None)
        folder = Path(root, wanted)
        python = folder / "bin" / "python"
        if must_exist and not python.exists():
            raise WorkError(
                Problem(
                    f"The option 'virtualenv' in Pulumi.yaml is {wanted!r}, but {folder} has no bin/python",
                    f"Run: python3 -m venv {folder} && {python} -m pip install -r requirements.txt",
                )
            )
        return cls(python, folder)

    def variables(self) -> dict[str, str]:
        """Return the process environment in which this Python is the active one."""
        env = dict(os.environ)
        if self.virtualenv is not None:
            env["VIRTUAL_ENV"] = str(self.virtualenv)
            env["PATH"] = f"{self.virtualenv / 'bin'}{os.pathsep}{env.get('PATH', '')}"
            env.pop("PYTHONHOME", None)
        return env

    def libraries(self) -> list[Path]:
        """Return the folders that hold the installed packages."""
        if self.virtualenv is None:
            return [Path(sysconfig.get_path("purelib"))]
        return sorted(self.virtualenv.glob("lib/python3*/site-packages"))

    def packages(self) -> dict[str, str]:
        """Return the version of each installed distribution, by its name in lower case with dashes."""
        found: dict[str, str] = {}
        for library in self.libraries():
            for info in library.glob("*.dist-info"):
                name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
                found[name.lower().replace("_", "-")] = version
        return dict(sorted(found.items()))

    def pulumi_packages(self) -> list[PulumiPackage]:
        """Return the resource plugins that the installed packages need, from each one's `pulumi-plugin.json`."""
        versions = self.packages()
        found = []
        for library in self.libraries():
            for described in sorted(library.glob("*/pulumi-plugin.json")):
                about = json.loads(described.read_text(encoding="utf-8"))
                if not about.get("resource"):
                    continue
                distribution = described.parent.name.lower().replace("_", "-")
                name = about.get("name") or distribution.removeprefix("pulumi-")
                version = about.get("version") or plugin_version(versions.get(distribution, ""))
                if version:
                    found.append(PulumiPackage(name, f"v{version.removeprefix('v')}", about.get("server", "")))
        return found


def plugin_version(python_version: str) -> str:
    """Return the semantic version for a PEP 440 `python_version`; '' for what has no counterpart (a dev release)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?", python_version)
    if match is None:
        return ""
    numbers = match[1].split(".")
    release = ".".join(numbers + ["0"] * (3 - len(numbers)))
    phase = {"a": "alpha", "b": "beta", "rc": "rc"}.get(match[2] or "")
    return f"{release}-{phase}.{match[3]}" if phase else release
