"""What a person means by a word: a stack, a code, or the name of a gemeente."""

from __future__ import annotations

from typing import Protocol

from ggi.errors import GgiError, InputError, Problem
from ggi.inventory.registry import Registry, folded
from ggi.inventory.stack import StackKind, kind_of
from ggi.inventory.tenant import Tenant
from ggi.inventory.types import environment_name
from ggi.inventory.validate import nearest
from ggi.messages import t

ELSEWHERE = {StackKind.CLUSTER: "ggi preview", StackKind.NETWORK: "ggi hosts", StackKind.M365: "ggi m365"}
"""The commands for stacks that are no landscape."""


class Tenants(Protocol):
    """The part of an inventory that is needed to find one tenant in it."""

    @property
    def registry(self) -> Registry:
        """The registry of gemeenten."""

    def tenant_ids(self) -> list[str]:
        """Ids of all tenants."""

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant with this id."""


def find(text: str, tenants: Tenants) -> tuple[Tenant, str]:
    """The tenant and environment that a person means by `text`. Raises InputError.

    `gm9901-prod`, `gm9901` (its productie environment, else its last in OTAP), `GM9901`, or a unique name such as
    `Rijnstad`; a name may be followed by an environment too: `rijnstad-accp`.
    """
    word = text.strip()
    ids = tenants.tenant_ids()
    low = word.lower()
    if tenant_id := _identify(low, ids, tenants):
        tenant = tenants.tenant(tenant_id)
        if not tenant.environments:
            raise InputError(Problem(t("{tenant} has no environment", tenant=tenant_id), "", tenant.tree.origin))
        return tenant, "prod" if "prod" in tenant.environments else tenant.environments[-1]
    head, _, tail = low.rpartition("-")
    try:
        name = environment_name(tail)
    except ValueError:
        name = ""
    if name and (tenant_id := _identify(head, ids, tenants)):
        tenant = tenants.tenant(tenant_id)
        if name not in tenant.environments:
            raise InputError(
                Problem(
                    t("{tenant} has no environment {name}", tenant=tenant_id, name=name),
                    nearest(name, tenant.environments),
                    tenant.tree.origin,
                )
            )
        return tenant, name
    if (kind := kind_of(low)) in ELSEWHERE:
        fix = t("See `{command} --help`; `ggi list` shows every stack.", command=ELSEWHERE[kind])
        raise InputError(Problem(t("{name} is not the stack of a gemeente", name=word), fix))
    known = [*ids, *(f"{i}-prod" for i in ids)]
    # A name may be that of a tenant whose file is wrong: what is wrong there comes first.
    raise InputError(
        *_unread(ids, tenants), Problem(t("there is no tenant or stack {name}", name=word), nearest(word, known))
    )


def _unread(ids: list[str], tenants: Tenants) -> list[Problem]:
    """What is wrong in the files that can't be read, and whose tenants have no name therefore."""
    problems: list[Problem] = []
    for tenant_id in ids:
        if tenant_id.upper() not in tenants.registry.gemeenten:
            try:
                tenants.tenant(tenant_id)
            except GgiError as error:
                problems.extend(error.problems)
    return problems


def _identify(low: str, ids: list[str], tenants: Tenants) -> str:
    """The id that `low` is, or is the name of; empty when there is none. Raises InputError when there are several."""
    if low in ids:
        return low
    wanted = folded(low)
    named = [i for i in ids if wanted and wanted in _names(i, tenants)]
    if len(named) > 1:
        message = t("{name} is the name of {ids}", name=low, ids=", ".join(named))
        raise InputError(Problem(message, t("Use the code.")))
    return named[0] if named else ""


def _names(tenant_id: str, tenants: Tenants) -> set[str]:
    listed = tenants.registry.gemeenten.get(tenant_id.upper())
    if listed is not None:
        return listed.names
    try:
        return {folded(tenants.tenant(tenant_id).name)}
    except GgiError:
        # A file that can't be read is reported by whoever asks for it.
        return set()
