"""The least rights for the recipes in use: permissions of the app registration, and Entra roles for PowerShell.

A recipe that is only observed needs to be read; one at stage apply also needs its write permission. What no
application may do is listed apart, for an administrator who signs in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.cookbook.content import Cookbook
from ggi.cookbook.impact import RIGHTS
from ggi.cookbook.product import GRAPH, RUNNER
from ggi.cookbook.targets import M365Tenant, RecipeTarget
from ggi.inventory.m365 import Stage

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
"""Application id of Microsoft Graph, the same in every tenant."""
EXCHANGE_APP = "00000002-0000-0ff1-ce00-000000000000"
"""Application id of Office 365 Exchange Online, which has Exchange.ManageAsApp."""


@dataclass(frozen=True)
class Rights:
    """Names of permissions and roles, each with the recipes that need it."""

    application: dict[str, set[str]] = field(default_factory=dict)
    delegated: dict[str, set[str]] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)
    exchange: dict[str, set[str]] = field(default_factory=dict)
    """Permissions on the Exchange Online resource."""


def rights(targets: Iterable[RecipeTarget], book: Cookbook, *, impact: bool = False) -> Rights:
    """What these recipes need at their stages; with `impact`, also what `plan --impact` counts with."""
    found = Rights(application={name: {"plan --impact"} for name in RIGHTS} if impact else {})
    for target in targets:
        writes = target.stage is Stage.APPLY
        for name in {setting.resource for setting in target.recipe.file.settings}:
            product, resource = book.product(name), book.resource(name)
            if product.channel == GRAPH:
                needed = [*resource.permissions.read, *(resource.permissions.write if writes else [])]
                place = found.delegated if resource.permissions.delegated_only else found.application
                for permission in needed:
                    place.setdefault(permission, set()).add(target.id)
            elif product.channel == RUNNER:
                # The first role that is named is the least one.
                for role in product.roles.get("write" if writes else "read", [])[:1]:
                    found.roles.setdefault(role, set()).add(target.id)
                if product.connect in ("exchange", "purview"):
                    found.exchange.setdefault("Exchange.ManageAsApp", set()).add(target.id)
    for place in (found.application, found.delegated):
        _drop_covered(place, book)
    return found


def _drop_covered(place: dict[str, set[str]], book: Cookbook) -> None:
    """X.ReadWrite.Y gives what X.Read.Y gives (Microsoft Graph permissions reference), so the second is left out.

    Not where they name different things: Policy.Read.All is no part of Policy.ReadWrite.Authorization.
    """
    for name in list(place):
        wider = name.replace(".Read.", ".ReadWrite.")
        if wider != name and wider in place:
            place[wider] |= place.pop(name)
    for product in book.products.values():
        for resource in product.resources.values():
            rights_of = resource.permissions
            wide = next((name for name in rights_of.read_too if name in place), None)
            for name in rights_of.read if wide else ():
                if name in place and name != wide:
                    place[wide or name] |= place.pop(name)


def manifest(tenant: M365Tenant, found: Rights) -> dict[str, Any]:
    """The app registration as data: names, since ids are looked up in the tenant when it is made."""
    listed: Mapping[str, Mapping[str, set[str]]] = {
        "Microsoft Graph, application": found.application,
        "Microsoft Graph, delegated": found.delegated,
        "Office 365 Exchange Online, application": found.exchange,
        "Entra roles": found.roles,
    }
    return {
        "tenant": tenant.stack,
        **{
            name: {right: sorted(recipes) for right, recipes in sorted(place.items())} for name, place in listed.items()
        },
    }


PROGRAM = '''"""The app registration of the Cookbook for {stack}. Made by `ggi m365 permissions`; run it with Pulumi.

Needs the package pulumi-azuread. Consent and roles are given by an administrator of the tenant, by hand, on purpose.
"""

import pulumi
import pulumi_azuread as azuread

GRAPH = "{graph}"
EXCHANGE = "{exchange_app}"
APPLICATION = {application}
DELEGATED = {delegated}
ON_EXCHANGE = {exchange}

graph = azuread.get_service_principal(client_id=GRAPH)
exchange = azuread.get_service_principal(client_id=EXCHANGE)

application = azuread.Application(
    "cookbook",
    display_name="GGI Cookbook {stack}",
    sign_in_audience="AzureADMyOrg",
    fallback_public_client_enabled=bool(DELEGATED),
    required_resource_accesses=[
        azuread.ApplicationRequiredResourceAccessArgs(
            resource_app_id=GRAPH,
            resource_accesses=[
                *({{"id": graph.app_role_ids[name], "type": "Role"}} for name in APPLICATION),
                *({{"id": graph.oauth2_permission_scope_ids[name], "type": "Scope"}} for name in DELEGATED),
            ],
        ),
        *(
            [
                azuread.ApplicationRequiredResourceAccessArgs(
                    resource_app_id=EXCHANGE,
                    resource_accesses=[{{"id": exchange.app_role_ids[name], "type": "Role"}} for name in ON_EXCHANGE],
                )
            ]
            if ON_EXCHANGE
            else []
        ),
    ],
)
principal = azuread.ServicePrincipal("cookbook", client_id=application.client_id)
pulumi.export("client", application.client_id)
'''


def program(tenant: M365Tenant, found: Rights) -> str:
    """The same as a Pulumi program in Python."""
    return PROGRAM.format(
        stack=tenant.stack,
        graph=GRAPH_APP,
        exchange_app=EXCHANGE_APP,
        application=sorted(found.application),
        delegated=sorted(found.delegated),
        exchange=sorted(found.exchange),
    )
