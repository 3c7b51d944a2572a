"""m365 snapshot|verify|baseline|drift: what was read is kept, signed; what deviates and what others changed since."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ggi.cli.m365 import Only, StandIn, Tenant, group, labelled
from ggi.cli.m365place import Place, run
from ggi.cli.options import Json, SignedBy
from ggi.cli.output import paint, say, say_json, table
from ggi.cli.workspace import Workspace
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t


@group.command()
def snapshot(
    tenant: Tenant,
    sandbox: StandIn = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Ed25519 key that signs it; default: your own.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Keep what is there now, signed; `ggi audit --from state` and `drift` work on it.

    Example: ggi m365 snapshot m365-rijnstad --sandbox
    """
    from ggi.assurance.signing import own_key, private_key
    from ggi.cookbook.snapshot import save, take

    place = Place(tenant, sandbox, Workspace())
    chosen = place.targets(None)
    signer = private_key(key) if key is not None else own_key()

    seen = run(place.looked(chosen))
    path = save(take(place.tenant.stack, seen, stand_in=sandbox), place.snapshots, signer)
    if json_output:
        say_json({"tenant": place.tenant.stack, "stand_in": sandbox, "file": str(path)})
        return
    say(t("  written: {path}", path=path))
    labelled(place)


@group.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A snapshot; its signature lies beside it.")],
    key: SignedBy = None,
    json_output: Json = False,
) -> None:
    """Check a snapshot, also one of another machine: is it as it was signed, and whose key signed it?

    Example: ggi m365 verify snapshot.json --key ciso.pem
    """
    from ggi.assurance.signing import fingerprint
    from ggi.cli.verify import whose
    from ggi.cookbook.snapshot import checked

    found, signer = checked(file)
    owner, other = whose(signer, key)
    if json_output:
        facts = {"tenant": found.stack, "taken": found.taken, "stand_in": found.stand_in, "objects": len(found.seen)}
        say_json({**facts, "signer": fingerprint(signer), "named": not other})
    else:
        say(t("  {stack}, read at {date}: {count} objects", stack=found.stack, date=found.taken, count=len(found.seen)))
        if found.stand_in:
            say(t("  This is a stand-in tenant on this machine; nothing of Microsoft 365 was contacted."))
        say(t("  signed with {fingerprint}: {whose}", fingerprint=fingerprint(signer), whose=owner))
        say(paint(t("{file}: as it was signed", file=file), "yellow" if other else "green"))
    if other:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def baseline(
    tenant: Tenant,
    sandbox: StandIn = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the draft here.")] = None,
) -> None:
    """Draft today's deviations with their values (nulmeting), for people to decide on.

    Example: ggi m365 baseline m365-rijnstad --sandbox --out policies/waivers/m365/rijnstad.yaml
    """
    from ggi.clock import today
    from ggi.cookbook.deviations import draft
    from ggi.cookbook.judge import judge

    place = Place(tenant, sandbox, Workspace())
    chosen = place.targets(None)

    text = draft(judge(chosen, run(place.looked(chosen)), place.book), place.book, today())
    if out is None:
        say(text.rstrip())
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    say(t("  written: {path}", path=out))
    labelled(place)


@group.command()
def drift(
    tenant: Tenant,
    sandbox: StandIn = False,
    only: Only = None,
    since: Annotated[
        Path | None, typer.Option("--since", metavar="FILE", help="Compare with this snapshot; default: what is known.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Look at the newest snapshot, not at the tenant.")] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Public key of snapshots; default: your own.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Show what others changed since the Cookbook last wrote or looked. Exit code 1 when something was.

    Example: ggi m365 drift m365-rijnstad --sandbox
    """
    from ggi.assurance.signing import own_key, public_key_of
    from ggi.cookbook.drift import drifted
    from ggi.cookbook.judge import Compliance
    from ggi.cookbook.plan import refs_of
    from ggi.cookbook.show import outcome_word
    from ggi.cookbook.snapshot import load, newest

    place = Place(tenant, sandbox, Workspace(), by_hand=None)
    chosen = place.targets(only)
    signer = public_key_of(key) if key is not None else own_key().public_key()
    earlier = load(since, signer, place.tenant.stack) if since is not None else None
    later = newest(place.snapshots, signer, place.tenant.stack) if offline else None

    async def work() -> tuple[list[Any], str]:
        async with place.session() as session:
            known = earlier.known if earlier is not None else session.journal.known
            if not known:
                fix = t("Run `ggi m365 apply`, `snapshot` or `baseline` first.")
                raise InputError(Problem(t("nothing is known of {name} yet", name=place.tenant.stack), fix))
            seen = later.seen if later is not None else await session.read(refs_of(chosen))
            date = earlier.taken if earlier is not None else session.journal.known_at
            return drifted(known, seen, chosen, place.book), date

    found, date = run(work())
    if json_output:
        say_json(
            {"tenant": place.tenant.stack, "stand_in": sandbox, "since": date, "changed": [f.data() for f in found]}
        )
    else:
        if found:
            rows = [(f.recipe, f.object, f.path, f.was, f.now, outcome_word(Compliance(f.verdict))) for f in found]
            table((t("recipe"), t("object"), t("property"), t("was"), t("is"), t("outcome")), rows, indent="  ")
        color = "red" if found else "green"
        text = t(
            "{stack}: settings that others changed since {date}: {count}",
            stack=place.tenant.stack,
            count=len(found),
            date=date,
        )
        say(paint(text, color))
        labelled(place)
    if found:
        raise typer.Exit(EXIT_FAILED)
