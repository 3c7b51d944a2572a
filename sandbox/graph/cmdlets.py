"""Cmdlets of the stand-in: what the runner's allow-list may call, over the tenant's own state.

No PowerShell runs. Names, types and members of parameters come from the Cookbook's products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ggi.cookbook.content import Cookbook
from ggi.cookbook.product import RUNNER, ProductFile, Resource
from sandbox.graph.state import StandInTenant


class CmdletError(Exception):
    """What a cmdlet reports. `kind` is the runner's word for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Cmdlets:
    """All cmdlets of a Cookbook, by name in lower case."""

    book: Cookbook

    @cached_property
    def _known(self) -> Mapping[str, tuple[ProductFile, str, Resource, str]]:
        found = {}
        for product in self.book.products.values():
            if product.channel == RUNNER:
                for name, resource in product.resources.items():
                    for verb in ("get", "set", "new"):
                        if cmdlet := getattr(resource, verb):
                            found[cmdlet.lower()] = (product, f"{product.product}/{name}", resource, verb)
        return found

    def call(self, tenant: StandInTenant, cmdlet: str, parameters: Mapping[str, Any], *, delegated: bool) -> list[Any]:
        """The objects that a cmdlet prints. Raises CmdletError."""
        known = self._known.get(cmdlet.lower())
        if known is None:
            raise CmdletError("failed", f"The term '{cmdlet}' is not recognized as a name of a cmdlet.")
        product, name, resource, verb = known
        with tenant.lock:
            self._allowed(tenant, product, resource, verb, delegated)
            kept: dict[str, Any] = tenant.data["powershell"].setdefault(name, {})
            if verb == "get":
                return self._get(kept, resource, parameters)
            return self._write(tenant, cmdlet, name, kept, resource, verb, parameters)

    @staticmethod
    def _allowed(tenant: StandInTenant, product: ProductFile, resource: Resource, verb: str, delegated: bool) -> None:
        if resource.permissions.delegated_only and not delegated:
            raise CmdletError("delegated", "Unauthorized: application access is not supported by this cmdlet.")
        needed = product.roles.get("read" if verb == "get" else "write", [])
        writers = product.roles.get("write", [])
        if not set(tenant.data["granted"]["roles"]) & {*needed, *writers}:
            raise CmdletError("permission", f"Access Denied: {' or '.join(needed)} is needed.")

    @staticmethod
    def _get(kept: Mapping[str, Any], resource: Resource, parameters: Mapping[str, Any]) -> list[Any]:
        key = resource.read_key or resource.key
        found = []
        for item, values in kept.items():
            if key and key != "-" and key in parameters and str(parameters[key]).casefold() != item.casefold():
                continue
            found.append({**values, **({resource.named_by: item} if resource.key else {})})
        return found

    @staticmethod
    def _write(
        tenant: StandInTenant,
        cmdlet: str,
        object_name: str,
        kept: dict[str, Any],
        resource: Resource,
        verb: str,
        parameters: Mapping[str, Any],
    ) -> list[Any]:
        key = resource.key if verb == "new" else resource.set_key or resource.key
        item = str(parameters.get(key, "")) if key else ""
        by_parameter = {(p.parameter or path): path for path, p in resource.properties.items()}
        values = {}
        for name, value in parameters.items():
            if name == key or name in resource.fixed:
                continue
            path = by_parameter.get(name)
            if path is None or (verb == "set" and resource.properties[path].create_only):
                raise CmdletError("failed", f"A parameter cannot be found that matches parameter name '{name}'.")
            if why := resource.properties[path].refuse(value):
                raise CmdletError("failed", f"Cannot process argument transformation on parameter '{name}': {why}")
            domains = resource.properties[path].read_as == "domains"
            values[path] = [f"Domain={v}" for v in value] if domains else value
        if (item in kept) != (verb == "set"):
            raise CmdletError("failed", f"'{item}' {'does not exist' if verb == 'set' else 'exists already'}.")
        if cmdlet in tenant.faults.silent:
            return []
        kept[item] = {**kept.get(item, tenant.data["defaults"].get(object_name, {})), **values}
        tenant.writes += 1
        tenant.save()
        return []
