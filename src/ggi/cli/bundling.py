"""The options --bundle and --key of `ggi audit`: evidence that nobody can change unseen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.output import note
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.audit.audit import Audit
    from ggi.cli.workspace import Workspace

BundleFile = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="FILE", help="Write the evidence: inputs, versions, results, hashes, signature."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Ed25519 key that signs the evidence; default: your own, made once."),
]


def write_bundle(
    path: Path, key: Path | None, audits: Sequence[Audit], workspace: Workspace, baseline: Path | None = None
) -> None:
    """Write the evidence bundle of these audits, signed with `key` or the user's own. Raises InputError.

    `baseline` is the file that the audits were compared with.
    """
    from ggi.assurance.bundle import bundle, input_files
    from ggi.assurance.signing import fingerprint, own_key, own_key_file, private_key

    signer = private_key(key) if key else own_key()
    environments = [audit.landscape.environment for audit in audits if audit.landscape is not None]
    inputs = input_files(workspace.folder, workspace.catalogue.roots, environments)
    if baseline is not None:
        inputs["inputs/baseline.json"] = baseline.read_bytes()
    content = bundle(audits, inputs, signer)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    note(
        t(
            "evidence: {file}, signed with the key {fingerprint} ({place})",
            file=path,
            fingerprint=fingerprint(signer.public_key()),
            place=key or own_key_file(),
        )
    )
