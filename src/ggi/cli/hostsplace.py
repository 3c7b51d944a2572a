"""The network that a command is about: for real, or in the sandbox of test hosts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ggi.errors import InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.audit.audit import Audit
    from ggi.audit.audit import Place as AuditPlace
    from ggi.cli.workspace import Workspace
    from ggi.controls.load import Controls
    from ggi.hosts.network import ManagedNetwork


def is_network(stack: str) -> bool:
    """Whether a name is that of a network."""
    return stack.strip().lower().startswith("net-")


def place_of(network: str, sandbox: bool, workspace: Workspace | None = None) -> ManagedNetwork:
    """The network that is meant, with the sandbox's values when that is asked for. Raises InputError."""
    from ggi.cli.workspace import Workspace, sandbox_name
    from ggi.hosts.network import ManagedNetwork

    inventory = (workspace or Workspace()).inventory
    if not sandbox:
        return ManagedNetwork.of(network, inventory)
    from sandbox.hosts.federation import Federation

    return ManagedNetwork.of(network, inventory, Federation.of(sandbox_name()).environment)


def with_host_controls(controls: Controls, workspace: Workspace, stacks: Sequence[str] | None = None) -> Controls:
    """The controls, with those over hosts: always, or when a network is among `stacks`."""
    if stacks is not None and not any(is_network(stack) for stack in stacks):
        return controls
    from ggi.hosts.audit import controls_of
    from ggi.hosts.controls import load_host_controls

    found = controls_of(load_host_controls(workspace.catalogue.roots))
    return replace(controls, by_id={**controls.by_id, **found})


def audit_hosts(workspace: Workspace, name: str, where: AuditPlace, date: dt.date, sandbox: bool) -> Audit:
    """The audit of a network's servers, as they are. Raises InputError."""
    from ggi.audit.audit import Place as AuditPlace
    from ggi.hosts.audit import audit_network, deviations_of
    from ggi.hosts.controls import load_host_controls

    if where is not AuditPlace.LIVE:
        fix = t("Use `--from live`.")
        raise InputError(Problem(t("servers of a network can only be judged as they are"), fix))
    place = place_of(name, sandbox, workspace)
    place.ready()
    roots = workspace.catalogue.roots
    controls = load_host_controls(roots)
    return audit_network(place, controls, date, deviations_of(roots, place, controls), simulated=sandbox)
