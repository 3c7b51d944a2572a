"""What a tenant has beside its stacks: the network and the Microsoft 365 tenant that serve it, and who owns them.

By default each gemeente has one of each, named after it, and needs no file. A file is written when one serves several.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from ggi.errors import Problem
from ggi.inventory.m365 import M365File
from ggi.inventory.network import NetworkFile
from ggi.inventory.stack import Stack, StackKind
from ggi.inventory.tenant import Tenant
from ggi.inventory.tree import Node
from ggi.inventory.validate import nearest, origin_of
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Owned:
    """A network (`kind` "network") or a Microsoft 365 tenant ("m365") that has a file."""

    kind: str
    id: str
    file: NetworkFile | M365File
    tree: Node

    @property
    def stack(self) -> str:
        """Name of its Pulumi stack."""
        return str(Stack(StackKind(self.kind), self.id))


def check_owned(
    owned: Mapping[tuple[str, str], Owned],
    tenants: Iterable[Tenant],
    unread: Collection[str],
    wrong: Collection[tuple[str, str]],
    problems: list[Problem],
) -> None:
    """Ownership from both sides: who names what, and who is served by what.

    `owned` by (kind, id); `tenants` are those that could be read. `unread` (ids) and `wrong` (kind, id) have a file
    that could not: that was told, and what would follow from it is not.
    """
    by_id = {tenant.id: tenant for tenant in tenants}
    by_code = {tenant.code: tenant for tenant in by_id.values() if tenant.code}
    for tenant in by_id.values():
        for kind, name, asked in _named(tenant):
            item = owned.get((kind, name))
            # No file is needed for what serves one tenant alone; it is named after that tenant.
            if item is None and asked and name != tenant.id and (kind, name) not in wrong:
                known = [other for k, other in owned if k == kind]
                problems.append(Problem(_NO_SUCH[kind](name), nearest(name, known), origin_of(tenant.tree, kind)))
            elif item is not None and tenant.code and tenant.code not in item.file.serves:
                problems.append(
                    Problem(
                        t(
                            "{stack} does not serve {code} ({name})",
                            stack=item.stack,
                            code=tenant.code,
                            name=tenant.name,
                        ),
                        t("Add {code} to `serves` in {place}.", code=tenant.code, place=origin_of(item.tree, "serves")),
                        origin_of(tenant.tree, kind),
                    )
                )
    for item in owned.values():
        if item.file.owner not in by_id and item.file.owner not in unread:
            message = t("there is no tenant {name}", name=item.file.owner)
            problems.append(Problem(message, nearest(item.file.owner, by_id), origin_of(item.tree, "owner")))
        for index, code in enumerate(item.file.serves):
            served = by_code.get(code)
            if served is not None and getattr(served, item.kind) != item.id:
                problems.append(
                    Problem(
                        t("{stack} serves {code}, which names another one", stack=item.stack, code=code),
                        t(
                            "Write `{kind}: {id}` in {place}.",
                            kind=item.kind,
                            id=item.id,
                            place=served.tree.origin.file,
                        ),
                        origin_of(item.tree, "serves", index),
                    )
                )


_NO_SUCH: dict[str, Callable[[str], str]] = {
    "network": lambda name: t("there is no network {name}", name=name),
    "m365": lambda name: t("there is no Microsoft 365 tenant {name}", name=name),
}


def _named(tenant: Tenant) -> Iterable[tuple[str, str, bool]]:
    """(kind, id, whether its file says so) of what serves a tenant."""
    yield "network", tenant.network, tenant.file.network is not None
    yield "m365", tenant.m365, tenant.file.m365 is not None
