"""audit verify: is an evidence bundle as it was signed, and whose key signed it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.audit import audit_app
from ggi.cli.options import Json, SignedBy
from ggi.cli.output import paint, say, say_json
from ggi.errors import EXIT_FAILED, InputError, Origin, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def whose(signer: Ed25519PublicKey, named: Path | None) -> tuple[str, bool]:
    """Whose key it is, as far as is known here, and whether that is not the one that was named."""
    from ggi.assurance.signing import fingerprint, own_key_file, public_key_of

    if named is not None:
        wanted = public_key_of(named)
        if fingerprint(wanted) == fingerprint(signer):
            return t("the key in {file}", file=named), False
        return t("NOT the key in {file}, which is {other}", file=named, other=fingerprint(wanted)), True
    if own_key_file().exists() and fingerprint(public_key_of(own_key_file())) == fingerprint(signer):
        return t("your own key on this machine"), False
    return t("a key that is not known here: compare it with what the signer told you, or name it with --key"), False


@audit_app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence bundle.")],
    key: SignedBy = None,
    json_output: Json = False,
) -> None:
    """Check an evidence bundle: is every byte as it was signed, and whose key signed it? Exit code 1 when not.

    Example: ggi audit verify evidence.zip --key ciso.pem
    """
    from ggi.assurance.bundle import verify as checked
    from ggi.assurance.signing import fingerprint

    try:
        found = checked(file.read_bytes())
    except OSError as error:
        message = t("this file can't be read: {why}", why=error.strerror or error)
        raise InputError(Problem(message, t("Check the name and the rights."), Origin(str(file), 0))) from None
    shown = fingerprint(found.signer) if found.signer else ""
    owner, other = whose(found.signer, key) if found.signer else ("", key is not None)
    if json_output:
        faults = [{"file": f.file, "what": f.what} for f in found.faults]
        say_json({"files": found.files, "intact": not faults, "signer": shown, "named": not other, "faults": faults})
    else:
        for fault in found.faults:
            say(paint(f"  ! {fault}", "red"))
        if found.signer is not None:
            say(t("  signed with {fingerprint}: {whose}", fingerprint=shown, whose=owner))
        intact = t("{file}: {count} files, all as they were signed", file=file, count=found.files)
        broken = t("{file}: not as it was signed", file=file)
        say(paint(broken, "red") if found.faults else paint(intact, "yellow" if other else "green"))
    if found.faults or other:
        raise typer.Exit(EXIT_FAILED)
