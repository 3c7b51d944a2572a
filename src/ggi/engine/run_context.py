"""What the command line, the Pulumi program and the policy pack must agree on, since each is a process of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ggi.paths import ROOT


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run of the engine over one stack, as its processes hand it on: `to_env` writes it and `from_env` reads it.

    `ggi env` prints the same variables for plain `pulumi`.
    """

    inventory: Path
    """Folder of the inventory."""
    content: tuple[Path, ...] = ()
    """Further content roots, each above the ones before."""
    context: str = ""
    """Context in the kubeconfig; empty: the one that the region names."""
    protect: bool = True
    """What holds data is protected. A sandbox is there to be thrown away."""
    downgrade: bool = False
    """A release may be older than the running one."""
    baseline: Path | None = None
    """The first measurement (nulmeting): what it knows goes through."""
    urgent: str = ""
    """Hash of the line of the trail that begins an urgent operation: what that line names goes through."""
    trail: Path | None = None
    """File of that trail. The hash alone opens nothing: it must stand in this file."""

    def to_env(self) -> dict[str, str]:
        """As environment variables; the first four are always set, so that what an earlier run left does not count."""
        found = {
            "GGI_INVENTORY": str(self.inventory),
            "GGI_CONTENT": os.pathsep.join(map(str, self.content)),
            "GGI_CONTEXT": self.context,
            "GGI_PROTECT": "1" if self.protect else "0",
        }
        optional = {
            "GGI_DOWNGRADE": "1" if self.downgrade else "",
            "GGI_BASELINE": str(self.baseline or ""),
            "GGI_URGENT": self.urgent,
            "GGI_TRAIL": str(self.trail or ""),
        }
        return found | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_env(cls) -> RunContext:
        """What the variables of this process say; without any, the checkout's own inventory and content."""
        found = os.environ

        def path(name: str) -> Path | None:
            return Path(found[name]) if found.get(name) else None

        return cls(
            inventory=path("GGI_INVENTORY") or ROOT / "inventories",
            content=tuple(Path(text) for text in found.get("GGI_CONTENT", "").split(os.pathsep) if text),
            context=found.get("GGI_CONTEXT", ""),
            protect=found.get("GGI_PROTECT", "1") == "1",
            downgrade=found.get("GGI_DOWNGRADE") == "1",
            baseline=path("GGI_BASELINE"),
            urgent=found.get("GGI_URGENT", ""),
            trail=path("GGI_TRAIL"),
        )
