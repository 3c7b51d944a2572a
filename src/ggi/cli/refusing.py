"""What stops a preview or an update before the engine starts: the calendar, and the controls over what is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ggi.cli.recording import Recording
    from ggi.cli.workspace import Wanted, Workspace


def refuse(workspace: Workspace, wanted: Wanted, recording: Recording) -> None:
    """Judge a landscape as the policy pack will. Raises WorkError when it may not be deployed.

    A gemeente that went up into another one is an InputError, as it is for `ggi validate`.

    The pack judges again in the engine: it alone sees values of secrets, and what is only known after the update.
    """
    from ggi.audit.audit import Place, run_audit
    from ggi.audit.deviations import load_waivers
    from ggi.clock import today
    from ggi.controls.observation import Facts
    from ggi.controls.subjects import of_landscape
    from ggi.inventory.consistency import refuse_ended

    if wanted.landscape is None:
        return
    refuse_ended(wanted.landscape.environment.tenant, workspace.inventory.registry, today())
    controls, built = workspace.controls, wanted.landscape
    waivers = load_waivers(workspace.catalogue.roots, controls.by_id, controls.retired)
    own = waivers.get(built.environment.tenant.id)
    facts = Facts(built, workspace.catalogue, workspace.inventory.registry)
    recording.judged(run_audit(facts, of_landscape(built), controls, Place.PLAN, today(), own))
