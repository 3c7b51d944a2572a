"""What an audit read: the files behind its verdicts, without secrets, and the versions of what judged them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ggi.audit.audit import Audit
from ggi.inventory.load import Environment
from ggi.paths import ROOT

PACKAGES = ("cel-expr-python", "cryptography", "ggi", "pydantic", "pyyaml")
"""Packages whose version can change a verdict."""
REDACTED = "<redacted>"
_SECRET = re.compile(
    r"(?P<key>[\"']?\b[\w.-]*(?:password|passwd|passphrase|wachtwoord|secret|token|api_?key|private_?key|root_?key)"
    r"[\w.-]*[\"']?\s*:\s*)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s,{}\[\]#][^,}\n#]*)",
    re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def without_secrets(text: str) -> str:
    """An inventory file without values that look like secrets; none belongs in one, but somebody may have erred."""
    return _SECRET.sub(lambda found: found["key"] + REDACTED, _PEM.sub(REDACTED, text))


def _below(base: Path, folder: str, pattern: str = "*") -> Iterator[Path]:
    for path in sorted((base / folder).rglob(pattern)):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(base).parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            yield path


def _content(root: Path, environments: Sequence[Environment]) -> Iterator[Path]:
    """The files of one content root that decide about these environments."""
    yield from _below(root, "policies/controls")
    yield from _below(root, "policies/frameworks")
    yield from _below(root, "stacks/components", "*.py")
    yield from _below(root, "stacks/services", "*.yaml")
    names = {f"stacks/releases/{e.release}.yaml" for e in environments}
    names |= {f"policies/waivers/{e.tenant.id}.yaml" for e in environments}
    names |= {f"policies/waivers/regions/{e.tenant.file.region}.yaml" for e in environments}
    yield from (root / name for name in sorted(names) if (root / name).is_file())


def input_files(inventory: Path, roots: Sequence[Path], environments: Sequence[Environment]) -> dict[str, bytes]:
    """The files that the verdicts about these environments follow from, by the name that they get in a bundle.

    The configuration of stacks is not among them: it holds encrypted secrets, and no verdict follows from it.
    """
    names = {"national.yaml"}
    names |= {f"regions/{e.tenant.file.region}.yaml" for e in environments}
    names |= {f"tenants/{e.tenant.id}.yaml" for e in environments}
    names |= {str(path.relative_to(inventory)) for path in _below(inventory, "registry")}
    found: dict[str, bytes] = {}
    for name in sorted(names):
        text = (inventory / name).read_bytes().decode("utf-8", errors="replace")
        found[f"inputs/inventory/{name}"] = without_secrets(text).encode()
    for number, root in enumerate(roots):
        for path in _content(root, environments):
            name = f"inputs/content{number}/{path.relative_to(root).as_posix()}"
            raw = path.read_bytes()
            waiver = "/waivers/" in name
            found[name] = without_secrets(raw.decode("utf-8", errors="replace")).encode() if waiver else raw
    return found


def versions() -> dict[str, Any]:
    """What judged: packages, Python, and a hash over the library's own files."""
    library = hashlib.sha256()
    source = ROOT / "src" / "ggi"
    for path in _below(source, ".", "*.py"):
        library.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "library_sha256": library.hexdigest(),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def subjects(audit: Audit) -> list[dict[str, str]]:
    """What was judged: name, kind and hash of each object, the values of Secrets taken out before."""
    return [
        {
            "name": subject.name,
            "kind": subject.kind,
            "sha256": hashlib.sha256(
                json.dumps(subject.body, sort_keys=True, separators=(",", ":"), default=str).encode()
            ).hexdigest(),
        }
        for subject in sorted(audit.subjects, key=lambda s: s.name)
    ]
