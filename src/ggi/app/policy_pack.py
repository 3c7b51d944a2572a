"""The CrossGuard policy pack that the engine starts: the controls of the workspace that the run is about."""

from __future__ import annotations

from ggi.app.workspace import Workspace
from ggi.enforcement.policy_pack import run_pack
from ggi.engine.run_context import RunContext
from ggi.errors import InputError


def main() -> None:
    """Run the pack; `policies/__main__.py` calls this. Errors are for people."""
    try:
        context = RunContext.from_env()
        run_pack(Workspace.of_context(context).assessor(), context)
    except InputError as error:
        raise SystemExit("\n".join(str(problem) for problem in error.problems)) from None
