"""What every component must get right, whatever it is: names that refer to something, numbers that differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from ggi.catalogue.component import Component, Process
from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.catalogue.release import difference
from tests.example import drawn

CATALOGUE = load_catalogue()
COMPONENTS = tuple(CATALOGUE.components.values())
PROCESSES = tuple((c, p) for c in COMPONENTS for p in c.processes)
RELEASES = tuple(CATALOGUE.releases.values())

each_component = pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: c.name)
each_process = pytest.mark.parametrize(
    ("component", "process"), PROCESSES, ids=[f"{c.name}-{p.name}" for c, p in PROCESSES]
)


@pytest.fixture
def catalogue() -> Catalogue:
    return CATALOGUE


def _ports(component: Component, process: str) -> set[str]:
    return {port.name for port in component.process(process).pod_ports}


def _pods(component: Component) -> set[str]:
    return {p.name for p in component.processes} | {r.name for r in component.runs}


@each_component
def test_every_use_names_an_api_that_exists_and_pods_that_exist(component: Component) -> None:
    for use in component.uses:
        offered = {api.name for api in CATALOGUE.components[use.component].offers}
        assert set(use.apis) <= offered
        assert use.apis
        assert set(use.processes) <= _pods(component)


@each_component
def test_every_offer_route_and_inner_flow_names_a_port_that_exists(component: Component) -> None:
    for api in component.offers:
        assert api.port in _ports(component, api.process), api.name
        assert api.path == "" or (api.path.startswith("/") and api.path.endswith("/")), api.name
    for flow in component.internal:
        assert flow.port in _ports(component, flow.target)
        assert set(flow.source) <= _pods(component)
    for out in component.outside:
        assert set(out.processes) <= _pods(component)
        assert not out.inward or any(out.port in _ports(component, name) for name in out.processes)
    if component.route:
        process, _, port = component.route.partition(":")
        assert port in _ports(component, process)


@each_process
def test_every_probe_looks_at_a_port_of_its_container(component: Component, process: Process) -> None:
    for container in (process, *process.beside):
        for probe in (container.startup, container.liveness, container.readiness):
            if probe is not None:
                assert bool(probe.command) != bool(probe.port)
                assert not probe.port or probe.port in {port.name for port in container.ports}
        if container.ports and not container.pod_labels:
            assert container.readiness, "who is called must say when it can be"


@each_process
def test_the_folders_of_a_process_do_not_overlap(component: Component, process: Process) -> None:
    paths = [*process.writable, *(v.path for v in process.volumes), *(m.path for m in process.secret_mounts)]
    assert len(set(paths)) == len(paths)
    assert not [(a, b) for a in paths for b in paths if a != b and b.startswith(a + "/")]


@each_component
def test_processes_that_share_a_volume_agree_on_the_group_of_its_files(component: Component) -> None:
    groups: dict[str, set[int]] = {}
    for process in component.processes:
        for volume in process.volumes:
            groups.setdefault(volume.name, set()).add(process.files_group or process.uid)
    assert {name for name, found in groups.items() if len(found) > 1} == set()


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.model.release)
@each_component
def test_every_release_has_every_component_with_every_image_that_it_uses(release: object, component: Component) -> None:
    version = release.component(component.name)  # type: ignore[attr-defined]
    assert version is not None
    made_here = [c for p in component.processes if not p.pod_labels for c in (p, *p.beside)]
    used = {p.image or "main" for p in made_here} | {r.image or "main" for r in component.runs}
    assert used <= set(version.images)
    assert set(version.images) <= used | {"main"}


def test_the_two_releases_differ_in_versions_of_at_least_three_components() -> None:
    older, newer = CATALOGUE.releases["2026.3"], CATALOGUE.releases["2026.4"]
    changed = {c.component for c in difference(older, newer) if c.what == "version"}
    assert len(changed) >= 3


def test_no_two_purposes_share_a_redis_database() -> None:
    numbers = [
        number
        for component in COMPONENTS
        for use in component.uses
        if use.component == "redis"
        for number in use.parameters["databases"].values()
    ]
    assert numbers
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("service", CATALOGUE.services)
def test_a_joint_service_names_components_that_exist(service: str) -> None:
    named = CATALOGUE.services[service].layer.value["components"].value
    assert set(named) <= set(CATALOGUE.components)


@pytest.mark.parametrize("service", ["uittreksel-brp", "klantcontact"])
def test_a_joint_service_switches_on_what_it_needs(catalogue: Catalogue, service: str, tmp_path: Path) -> None:
    without = {name: {"enabled": False} for name in ("openformulieren", "openklant", "openobject")}
    named = set(CATALOGUE.services[service].layer.value["components"].value)
    others = {name: off for name, off in without.items() if name not in named}
    made = drawn(catalogue, tmp_path, services=[service], components=others)
    assert named <= set(made.components)
    assert not set(others) & set(made.components)
