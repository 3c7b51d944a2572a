"""All gemeenten judged by all controls, and one stack's manifests judged here and by kube-score, in the same run.

kube-score is built from its Go module into the folder of tools. It reads manifests and knows nothing of the landscape,
so only our rules over single objects stand beside it; both numbers of rules are said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ggi.inventory.generate import sandbox_inventory
from ggi.paths import cache_dir
from measure import Figure, child

MODULE, VERSION = "github.com/zegl/kube-score/cmd/kube-score", "v1.20.0"
STACK = "gm9901-prod"

FLEET = """
import datetime, resource, sys, time
from pathlib import Path
began = time.perf_counter()
from ggi.catalogue.content import load_catalogue
from ggi.fleet.auditing import audit_all, cores
stacks = findings = 0
for summary in audit_all(Workspace(Path(sys.argv[1])), datetime.date(2026, 11, 22)):
    stacks += 1
    findings += sum(summary.counts.values())
used = resource.getrusage(resource.RUSAGE_CHILDREN)
result = {"seconds": time.perf_counter() - began, "stacks": stacks, "findings": findings, "cores": cores(),
          "cpu": time.process_time() + used.ru_utime + used.ru_stime, "worker": used.ru_maxrss / 1024}
"""

RULES = """
import datetime, json, sys, time
from pathlib import Path
import yaml
began = time.perf_counter()
from ggi.controls.load import load_controls
from ggi.controls.observation import Facts, Observation
from ggi.audit.judge import Judge
from ggi.controls.subjects import of_landscape
from ggi.catalogue.content import load_catalogue
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT
catalogue = load_catalogue()
inventory = Inventory(ROOT / "inventories", catalogue.known)
tenant, name = inventory.find(sys.argv[1])
built = landscape(inventory.environment(tenant, name), catalogue)
controls = load_controls([ROOT])
rules = [c for c in controls if c.rule is not None]
subjects = of_landscape(built)
Path(sys.argv[2]).write_text(yaml.safe_dump_all([s.body for s in subjects], sort_keys=False))
facts = Facts(built, catalogue, inventory.registry)
times = []
for chosen in (rules, list(controls)):
    start = time.perf_counter()
    found = list(Judge(chosen, Observation(subjects, datetime.date(2026, 11, 22), facts)).findings())
    times.append((time.perf_counter() - start, len(found)))
result = {"rules": len(rules), "controls": len(controls), "objects": len(subjects), "seconds": times[0][0],
          "judged": times[0][1], "all": times[1][0]}
"""


def _kube_score(folder: Path) -> str:
    """The program: on PATH, in the folder of tools, or built there."""
    if found := shutil.which("kube-score"):
        return found
    built = cache_dir() / "tools" / f"kube-score-{VERSION}" / "kube-score"
    if not built.is_file():
        print(f"building kube-score {VERSION} from its Go module ...", file=sys.stderr, flush=True)
        command = ["go", "install", f"{MODULE}@{VERSION}"]
        environment = {**os.environ, "GOBIN": str(built.parent), "GOFLAGS": "-mod=mod"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            raise SystemExit(f"kube-score can't be built: {done.stderr[-500:]}")
    return str(built)


BESIDE = """
import json, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run([sys.argv[1], "score", "--output-format", "json", sys.argv[2]], capture_output=True, text=True)
seconds = time.perf_counter() - began
found = json.loads(done.stdout)
checks = [c for item in found for c in item["checks"]]
rules = {c["check"]["id"] for c in checks}
result = {"seconds": seconds, "objects": len(found), "judged": len(checks), "rules": len(rules)}
"""


def measure(folder: Path) -> list[Figure]:
    """Seconds for everybody; seconds and rules for one stack beside kube-score."""
    inventory = folder / "audited"
    sandbox_inventory(inventory, 1)
    fleet = child(FLEET, [str(inventory)], one_core=False)
    manifests = folder / "stack.yaml"
    ours = child(RULES, [STACK, str(manifests)])
    other = child(BESIDE, [_kube_score(folder), str(manifests)])
    what = (
        f"{ours['rules']:.0f} rules over single objects, {ours['objects']:.0f} objects, {ours['judged']:.0f} verdicts"
    )
    against = f"kube-score {VERSION}: {other['rules']:.0f} rules, {other['objects']:.0f} objects that it knows, "
    against += f"{other['judged']:.0f} verdicts, with start and reading"
    everybody = f"{fleet['stacks']:.0f} stacks of 342 gemeenten, {ours['controls']:.0f} controls, "
    everybody += f"{fleet['findings']:.0f} verdicts, {fleet['cores']:.0f} cores"
    return [
        Figure(everybody, fleet["seconds"], "s", "10 s"),
        Figure("  processor time of all cores", fleet["cpu"], "s", "-"),
        Figure("  peak memory of all processes", fleet["mib"] + fleet["cores"] * fleet["worker"], "MiB", "500 MiB"),
        Figure(what, ours["seconds"], "s", "-", other["seconds"], against),
        Figure("  with the checks over several objects", ours["all"], "s", "-"),
    ]
