"""Lay the stand-ins out in a PULUMI_HOME, where the CLI finds them without a warning.

The CLI looks at `plugins/<kind>-<name>-v<version>/pulumi-<kind>-<name>`. The files are scripts that start the ones of
this checkout, so a checkout that changes needs no new installation.
"""

from __future__ import annotations

import importlib.metadata
import shlex
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLUGINS = {
    # file in this folder -> (folder in PULUMI_HOME/plugins, the package whose version it has)
    "pulumi-language-python": ("language-python", "pulumi"),
    "pulumi-resource-kubernetes": ("resource-kubernetes", "pulumi-kubernetes"),
}


def install(pulumi_home: Path) -> None:
    """Put both stand-ins into `pulumi_home`. Idempotent; leaves alone what is as it should be."""
    for name, (folder, package) in PLUGINS.items():
        version = importlib.metadata.version(package)
        launcher = pulumi_home / "plugins" / f"{folder}-v{version}" / name
        text = f'#!/bin/sh\nGGI_PYTHON={shlex.quote(sys.executable)} exec {shlex.quote(str(HERE / name))} "$@"\n'
        if launcher.exists() and launcher.read_text(encoding="utf-8") == text:
            continue
        launcher.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and renamed: another run may be starting the old one.
        fresh = launcher.with_name(f".{name}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o755)
        fresh.replace(launcher)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
