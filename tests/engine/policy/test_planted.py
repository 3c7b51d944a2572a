"""A planted violation is caught in every place that can see it: plan, preview, state, live, and admission.

All violations of `plants.py` are planted at once, place by place, in one landscape that is up; at the end an ordinary
update puts them back.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ggi.audit.audit import Place as Where
from ggi.audit.audit import run_audit
from ggi.catalogue.content import load_catalogue
from ggi.controls.examples import changed
from ggi.controls.load import load_controls
from ggi.controls.logical_names import LogicalNames
from ggi.controls.observation import Facts, Subject
from ggi.controls.subjects import of_landscape
from ggi.enforcement.admission import API
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ForbiddenError
from ggi.landscape.build import Landscape
from tests.engine.conftest import PROGRAM
from tests.engine.deploy.place import eventually
from tests.engine.policy.conftest import CLUSTER, Policed
from tests.engine.policy.plants import HERINDELING, PLACES, PLANTS, SECRETS, Plant

pytestmark = pytest.mark.timeout(1200)

SERVERS_OWN = ("apiVersion", "kind", "metadata", "status")
Found = set[tuple[str, str]]


def planted(body: Any, plants: Iterable[Plant]) -> Any:
    for plant in plants:
        for change in plant.change:
            body = changed(body, change.steps, change)
    return body


def of(subject: str) -> list[Plant]:
    return [plant for plant in PLANTS if plant.subject == subject]


def subjects() -> list[str]:
    return list(dict.fromkeys(plant.subject for plant in PLANTS if plant.subject))


def removed(subject: str) -> bool:
    return any(plant.remove for plant in of(subject))


@dataclass
class Caught:
    """What each place said: (control, subject) that fail, and the controls that were not judged."""

    failing: dict[str, Found]
    unknown: dict[str, set[str]]
    left: dict[str, Found]
    """What still fails after the next update."""


class Planting:
    """Plants everything in one place after another."""

    def __init__(self, policed: Policed, folder: Path) -> None:
        self.place, self.stack, self.folder = policed.place, policed.stack, folder
        self.api: KubeApi = policed.place.api
        self.built: Landscape = self.place.landscape(self.stack)
        self.live: dict[str, dict[str, Any]] = {}
        names = LogicalNames(self.built)
        wanted = {(o.api_version, o.kind) for o in self.built.objects if o.name in subjects()}
        for api_version, kind in wanted:
            found = (
                [self.api.get("v1", "Namespace", self.stack)]
                if kind == "Namespace"
                else self.api.list(api_version, kind, self.stack)
            )
            for item in found:
                self.live[names.of({**item, "apiVersion": api_version, "kind": kind})] = item

    def plan(self) -> tuple[Found, set[str]]:
        catalogue = load_catalogue()
        listed = [Subject(s.name, planted(s.body, of(s.name))) for s in of_landscape(self.built) if not removed(s.name)]
        facts, today = Facts(self.built, catalogue), dt.datetime.now(tz=dt.UTC).date()
        found = run_audit(facts, listed, load_controls(catalogue.roots), Where.PLAN, today).findings
        return told([{"control": f.control, "subject": f.subject, "outcome": f.outcome} for f in found])

    def admission(self) -> Found:
        """What the API server says to each change, which it is asked to try and not to do."""
        said: Found = set()
        warnings: list[str] = []
        api = KubeApi.from_kubeconfig(self.place.kubeconfig, on_warning=warnings.append)
        for plant in PLANTS:
            if not plant.subject or plant.remove:
                continue
            warnings.clear()
            try:
                # One change at a time: of several policies that refuse, the server names the first.
                self.write(api, plant.subject, [plant] if plant.change else of(plant.subject), dry_run=True)
            except ForbiddenError as error:
                warnings.append(str(error))
            seen = {control for text in warnings for control in re.findall(r": ([A-Z]{3}-[0-9]{3}): ", text)}
            said |= {(control, plant.subject) for control in seen}
        api.close()
        return said

    def write(self, api: KubeApi, subject: str, plants: list[Plant], *, dry_run: bool = False) -> None:
        """Change a live object as `kubectl` would. What may not change is made anew, in a trial under another name."""
        old = self.live[subject]
        kind, name = (old["apiVersion"], old["kind"]), old["metadata"]["name"]
        where = None if old["kind"] == "Namespace" else self.stack
        if removed(subject):
            api.delete(*kind, name, where)
            return
        new = planted(old, plants)
        if old["kind"] in ("ConfigMap", "Secret"):
            metadata = {"name": f"{name[:-8]}0a0a0a0a" if dry_run else name, "labels": old["metadata"]["labels"]}
            if not dry_run:
                api.delete(*kind, name, where)
            api.create({**new, "metadata": metadata}, namespace=where, dry_run=dry_run)
            return
        patch = {key: value for key, value in new.items() if key not in SERVERS_OWN}
        patch["metadata"] = {"labels": new["metadata"]["labels"]}
        api.patch(*kind, name, patch, namespace=where, field_manager="kubectl-edit", dry_run=dry_run)

    def bindings(self) -> list[str]:
        listed = self.api.list(API, "ValidatingAdmissionPolicyBinding", labels=f"ggi/stack={CLUSTER}")
        return [item["metadata"]["name"] for item in listed]

    def switch_admission_off(self) -> None:
        for name in self.bindings():
            self.api.delete(API, "ValidatingAdmissionPolicyBinding", name)
        eventually(lambda: not self.admission())

    def preview(self) -> Found:
        """The engine itself with the policy pack, over the objects as a program would register them."""
        folder = self.folder / "a project"
        folder.mkdir()
        runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": "scratch", "runtime": runtime}), encoding="utf-8")
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        entries = []
        for item in self.built.objects:
            if removed(item.name):
                continue
            body = planted(item.body, of(item.name))
            if item.secrets:
                body = {**body, "data": {key: {"secret!": "eHh4eHh4eHh4eHh4eHh4eHh4"} for key in item.secrets}}
            entries.append({"name": item.name, "manifest": body, "after": list(item.needs), "options": {}})
        provider = {"kubeconfig": str(self.place.kubeconfig), "context": self.place.context}
        (folder / "objects.json").write_text(json.dumps({"provider": provider, "objects": entries}), encoding="utf-8")
        env = self.place.exports(self.stack) | {"PULUMI_BACKEND_URL": f"file://{folder}"}
        del env["PULUMI_OPTION_CONFIG_FILE"]
        assert env["PULUMI_OPTION_POLICY_PACK"].endswith("policies"), "the printed environment names the pack"
        run = ["pulumi", "--non-interactive", "--color=never", "-C", str(folder), "-s", self.stack]
        subprocess.run([*run, "stack", "init"], env=env, check=True, capture_output=True, timeout=300)
        done = subprocess.run([*run, "preview"], env=env, check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return set(re.findall(r"\b([A-Z]{3}-[0-9]{3}) (\S+): ", done.stdout + done.stderr))

    def state(self) -> tuple[Found, set[str]]:
        """A state as somebody exported it, changed."""
        exported = json.loads(self.place.pulumi(self.stack, "stack", "export").out)
        kept = []
        for resource in exported["deployment"]["resources"]:
            name = resource["urn"].rpartition("::")[2]
            if removed(name):
                continue
            for part in ("inputs", "outputs"):
                if of(name) and resource.get(part):
                    resource[part] = planted(resource[part], of(name))
            kept.append(resource)
        exported["deployment"]["resources"] = kept
        file = self.folder / "exported.json"
        file.write_text(json.dumps(exported), encoding="utf-8")
        return self.audit("state", "--state", str(file))

    def audit(self, where: str, *more: str, code: int = 1) -> tuple[Found, set[str]]:
        ran = self.place.ggi("audit", self.stack, "--from", where, "--sandbox", "--json", *more, code=code)
        return told(ran.json[0]["findings"])


def told(findings: Iterable[dict[str, Any]]) -> tuple[Found, set[str]]:
    listed = list(findings)
    failing = {(f["control"], f["subject"]) for f in listed if f["outcome"] == "FAIL"}
    return failing, {f["control"] for f in listed if f["outcome"] == "UNKNOWN"}


@pytest.fixture(scope="module")
def caught(policed: Policed, tmp_path_factory: pytest.TempPathFactory) -> Caught:
    planting = Planting(policed, tmp_path_factory.mktemp("planted"))
    place, stack = policed.place, policed.stack
    failing: dict[str, Found] = {"admission": planting.admission()}
    unknown: dict[str, set[str]] = {"admission": set(), "preview": set()}
    place.tenant("GM9971", herindeling=HERINDELING)
    planting.built = place.landscape(stack)
    planting.switch_admission_off()
    try:
        failing["plan"], unknown["plan"] = planting.plan()
        failing["preview"] = planting.preview()
        failing["state"], unknown["state"] = planting.state()
        for subject in subjects():
            if subject != "openklant/Secret/env":
                planting.write(planting.api, subject, of(subject))
        failing["live"], unknown["live"] = planting.audit("live")
    finally:
        place.tenant("GM9971")
        place.up(CLUSTER)
        place.up(stack)
    left = {where: planting.audit(where, code=0)[0] for where in ("state", "live")}
    return Caught(failing, unknown, left)


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.control)
def test_a_planted_violation_is_caught_where_it_can_be_seen(caught: Caught, plant: Plant, where: str) -> None:
    about = plant.about or plant.subject
    found = {control for control, subject in caught.failing[where] if not about or subject == about}
    assert (plant.control in found) is (where not in plant.unseen), plant.unseen.get(where, "")
    if plant.unseen.get(where) == SECRETS:
        assert plant.control in caught.unknown[where], "what nobody could read is not judged, and never complies"


def test_at_least_ten_controls_of_many_families_are_planted() -> None:
    assert len({plant.control for plant in PLANTS}) >= 10
    assert len({plant.control[:3] for plant in PLANTS}) >= 8
    assert all(set(plant.unseen) <= set(PLACES) for plant in PLANTS)


def test_an_ordinary_update_puts_back_what_was_changed_and_takes_away_what_was_added(caught: Caught) -> None:
    assert caught.left == {"state": set(), "live": set()}


def test_what_is_not_planted_is_not_caught(caught: Caught) -> None:
    """Of the reference objects nothing else fails in any place than what follows from a planted change."""
    touched = {plant.subject for plant in PLANTS} | {plant.about for plant in PLANTS}
    # Admission was switched off for the planting, which an audit of what is there tells as well.
    components = {"cluster", *(name.split("/")[0] for name in touched if name)}
    for where in PLACES:
        others = {s for _, s in caught.failing[where] if s.count("/") == 2 and s.split("/")[0] not in components}
        assert others == set(), where
