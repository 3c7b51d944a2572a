"""Everything that can be said of an inventory without engine and cluster: all errors of all files at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ggi.catalogue.content import Catalogue
from ggi.catalogue.release import ReleaseFile
from ggi.errors import GgiError, Origin, Problem
from ggi.inventory.consistency import (
    Claim,
    check_claims,
    check_codes,
    check_dates,
    check_locks,
    check_oins,
    check_releases,
    check_waiver_files,
)
from ggi.inventory.load import Environment, Inventory, Tenant
from ggi.inventory.m365 import M365File
from ggi.inventory.models import Lifecycle, Settings
from ggi.inventory.names import check_names
from ggi.inventory.owned import Owned, check_owned
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.conformity import check, missing_contracts
from ggi.messages import t


@dataclass
class Validation:
    """What was found. `stacks` counts the objects of every landscape that could be computed."""

    tenants: int = 0
    stacks: dict[str, int] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def claims(environment: Environment, catalogue: Catalogue) -> Iterator[Claim]:
    """What this stack alone may have: a namespace on its cluster, host names, databases on outside servers."""
    stack, cluster = environment.stack, environment.cluster_name
    own = environment.origin("namespace") if environment.settings.namespace else environment.tenant.tree.origin
    what = t("the namespace {name} on cluster {cluster}", name=environment.namespace, cluster=cluster)
    yield Claim(what, ("namespace", environment.tenant.file.region, cluster, environment.namespace), stack, own)
    server = environment.components["postgresql"].external if "postgresql" in environment.components else None
    for name, settings in environment.components.items():
        if not settings.enabled or settings.external is not None:
            continue
        component = catalogue.components[name]
        if component.route:
            host = environment.host(name)
            said = ("components", name, "host") if settings.host else ("domain",)
            yield Claim(t("the host name {name}", name=host), ("host", host), stack, environment.origin(*said))
        if server is not None and any(use.component == "postgresql" for use in component.uses):
            database = environment.database(name)
            what = t("the database {name} on {host}", name=database, host=server.host)
            named = ("components", name, "database") if settings.database else ("components", "postgresql", "external")
            place = environment.origin(*named)
            yield Claim(what, ("database", server.host, str(server.port), database), stack, place)


def _content(inventory: Inventory, catalogue: Catalogue, errors: list[Problem]) -> None:
    """Services and releases: do they name components that exist, with settings that exist?"""
    for service in catalogue.services.values():
        inventory.check_components(service.layer, Settings, errors)
    for release in catalogue.releases.values():
        check_names(release.tree, ReleaseFile, inventory.names, errors)


def _cookbook(owned: Mapping[tuple[str, str], Owned], catalogue: Catalogue, errors: list[Problem]) -> None:
    """Recipes and parameters that Microsoft 365 tenants name: do they exist, may they have these values?"""
    chosen = [i for i in owned.values() if isinstance(i.file, M365File) and (i.file.recipes or i.file.parameters)]
    if not chosen:
        return
    from ggi.cookbook.content import load_cookbook
    from ggi.cookbook.targets import M365Tenant, targets

    try:
        book = load_cookbook(catalogue.roots)
    except GgiError as error:
        errors.extend(error.problems)
        return
    for item in chosen:
        assert isinstance(item.file, M365File)  # noqa: S101  (chosen by that)
        try:
            targets(M365Tenant(item.id, item.file, item.tree), book)
        except GgiError as error:
            errors.extend(error.problems)


def _waivers(inventory: Inventory, errors: list[Problem]) -> None:
    """The files below policies/waivers: each is right in itself, and of a tenant or region that exists."""
    tenants, regions = inventory.tenant_ids(), inventory.region_ids()
    errors.extend(inventory.waivers.problems)
    check_waiver_files(inventory.waivers, inventory.root.parent, tenants, regions, errors)


def _out_of_support(used: dict[str, int], catalogue: Catalogue, on: dt.date, warnings: list[Problem]) -> None:
    for name, count in sorted(used.items()):
        end = catalogue.components[name].support_end
        if end is not None and end < on:
            message = t(
                "{component} has no support since {date}; {count} stacks have it", component=name, date=end, count=count
            )
            warnings.append(Problem(message, t("Plan what takes its place.")))


def _uncontracted(built: Landscape, catalogue: Catalogue) -> Iterator[Problem]:
    """The components whose version nobody described: what is asked of them can't be held against anything."""
    for item in missing_contracts(built, catalogue.contracts):
        tree = catalogue.releases[built.environment.release].tree
        place = tree.child("components", item.name, "version") or tree
        name = f"{item.name}-{item.version.version}"
        message = t("{component} {version} has no contract", component=item.name, version=item.version.version)
        yield Problem(
            message, t("Write stacks/contracts/{name}.yaml, each fact with its source.", name=name), place.origin
        )


def _sorted(problems: list[Problem]) -> list[Problem]:
    """Each problem once, by place: a fault in a region is found again by every tenant of it."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.origin or Origin("", 0), p.message))


def validate_inventory(inventory: Inventory, catalogue: Catalogue, on: dt.date, only: str | None = None) -> Validation:
    """Validate everything on the date `on`, or (with `only`, an id) one tenant against the files of all others.

    Nothing is raised for what is wrong in a file: it is in `errors`, once each, sorted by place.
    """
    found = Validation()
    elsewhere: list[Problem] = []
    shared: list[Problem] = []
    warnings: list[Problem] = []
    if only is None:
        warnings.extend(inventory.strays())
        _content(inventory, catalogue, found.errors)
        reads: list[Callable[[], object]] = [lambda: inventory.national]
        reads += [partial(inventory.region, region) for region in inventory.region_ids()]
        reads += [partial(_waivers, inventory, found.errors)]
        for attempt in reads:
            try:
                attempt()
            except GgiError as error:
                found.errors.extend(error.problems)
    tenants: list[Tenant] = []
    environments: list[Environment] = []
    used: dict[str, int] = {}
    # The one that was asked for comes last, so that what it shares with another one is told at its own place.
    for tenant_id in sorted(inventory.tenant_ids(), key=lambda i: (i == only, i)):
        asked = only in (None, tenant_id)
        errors = found.errors if asked else elsewhere
        try:
            tenant = inventory.tenant(tenant_id)
        except GgiError as error:
            errors.extend(error.problems)
            continue
        tenants.append(tenant)
        found.tenants += asked
        for name in tenant.environments if tenant.file.state is not Lifecycle.MERGED else ():
            try:
                environment = inventory.environment(tenant, name)
                environments.append(environment)
                if asked:
                    built = landscape(environment, catalogue)
                    found.stacks[built.stack] = len(built.objects)
                    found.errors.extend(check(built, catalogue.contracts))
                    found.errors.extend(_uncontracted(built, catalogue))
                    for component in built.components:
                        used[component] = used.get(component, 0) + 1
            except GgiError as error:
                errors.extend(error.problems)

    check_oins(tenants, shared)
    check_claims((claim for environment in environments for claim in claims(environment, catalogue)), shared)
    unread = {*inventory.tenant_ids()} - {tenant.id for tenant in tenants}
    owned = inventory.owned(shared)
    check_owned(owned, tenants, unread, inventory.owned_ids() - {*owned}, shared)
    _cookbook(owned, catalogue, shared)
    check_codes(tenants, inventory.registry, on, shared, warnings, unread)
    check_dates(tenants, on, warnings)
    check_locks(inventory.waivers, environments, on, shared, warnings)
    dates = {name: release.model.date for name, release in catalogue.releases.items()}
    check_releases(environments, dates, on, warnings)
    _out_of_support(used, catalogue, on, warnings)
    if only is not None:
        files = (f"{inventory.root.name}/tenants/{only}.yaml", f"policies/waivers/{only}.yaml")
        shared = [p for p in shared if p.origin is not None and p.origin.file in files]
        warnings = [p for p in warnings if p.origin is None or p.origin.file in files]
    found.errors = _sorted([*found.errors, *shared])
    found.warnings = _sorted(warnings)
    return found
