"""A containerd with all images in it, made once: each new node starts with a copy that shares its files."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template

from ggi.engine.locks import locked
from ggi.engine.tools import Resolved
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import t
from sandbox.node.images import PAUSE, ImageRecipe, Images
from sandbox.node.pulled import PulledImage

Report = Callable[[str], None]
Image = ImageRecipe | PulledImage
"""What a node has under a name."""

NAMESPACE = "k8s.io"
"""Where the kubelet's containerd keeps images."""
CONFIGURATION = Path(__file__).resolve().parent / "machine" / "containerd.toml"
_START_SECONDS = 30.0


def ensure(store: Images, names: Mapping[str, Image], programs: Mapping[str, Resolved], report: Report) -> Path:
    """The root folder of a containerd that holds the images of `names`, also under these; made when it is missing.

    What no registry gave is made first. Older ones are removed. Raises WorkError.
    """
    key = "\n".join(sorted(f"{name} {image.tag}" for name, image in names.items()))
    home = store.podman.work
    folder = home / f"stock-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / ".stock.lock", t("the images of nodes"), report):
        if not folder.is_dir():
            images = set(names.values())
            store.ensure([image for image in images if isinstance(image, ImageRecipe)], programs, report)
            report(t("putting {count} images together for nodes", count=len(images)))
            work = Path(tempfile.mkdtemp(prefix=".stock-", dir=home))
            try:
                _fill(store, names, programs, work)
                (work / "containerd").rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            for other in home.glob("stock-*"):
                if other != folder:
                    shutil.rmtree(other, ignore_errors=True)
    return folder


def copy(stock: Path, target: Path) -> None:
    """A root folder for a node. Layers and blobs never change, so they are shared; the databases are the node's own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["cp", "-al", str(stock), str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        # Another file system: nothing can be shared.
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", str(stock), str(target)], check=True)
    for database in target.rglob("*.db"):
        if database.parent.name.startswith("io.containerd."):
            own = database.with_suffix(".own")
            shutil.copy2(database, own)
            own.replace(database)


def _fill(store: Images, names: Mapping[str, Image], programs: Mapping[str, Resolved], work: Path) -> None:
    socket = work / "containerd.sock"
    text = Template(CONFIGURATION.read_text()).substitute(folder=str(work), pause=PAUSE)
    for place, own in (("/run/containerd/containerd.sock", str(socket)), ("/run/containerd", str(work / "state"))):
        text = text.replace(f'"{place}"', f'"{own}"')
    write_atomically(work / "containerd.toml", text)
    archive = work / "images.tar"
    store.save({image.tag for image in names.values()}, archive)
    with (work / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs["containerd"].path), "--config", str(work / "containerd.toml")], stdout=log, stderr=log
        )
    try:
        give_up = time.monotonic() + _START_SECONDS
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > give_up:
                raise WorkError(Problem(t("containerd does not start: {why}", why=(work / "log").read_text()[-400:])))
            time.sleep(0.1)
        ctr = [str(programs["ctr"].path), "-a", str(socket), "-n", NAMESPACE, "images"]
        _run([*ctr, "import", str(archive)])
        for name, image in names.items():
            _run([*ctr, "tag", image.tag, name])
    finally:
        process.terminate()
        process.wait(30)


def _run(words: Sequence[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkError(Problem(t("{program} failed: {why}", program=words[-2], why=done.stderr[-400:])))
