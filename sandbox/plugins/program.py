"""Run one Pulumi program: `python program.py SETTINGS ENTRY_POINT [ARGUMENT...]`, started by the language host.

SETTINGS is JSON (addresses, stack, working folder); the configuration comes in PULUMI_CONFIG and
PULUMI_CONFIG_SECRET_KEYS, as every Pulumi SDK reads it. Exit code 32 tells the language host that the error was shown.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

SHOWN = 32
"""The exit code that the official executor uses for "the user has seen why"."""
THREADS_PER_OPERATION = 4
"""As the SDK's own run loop does: an operation blocks a thread while it talks to the engine."""


def _is_below(file: str, folder: str) -> bool:
    # "<frozen runpy>" is no file.
    return not file.startswith("<") and os.path.abspath(file).startswith(folder)  # noqa: PTH100


def _own_frames(error: BaseException, folder: str) -> str:
    """Return the traceback of `error` from the first frame inside the program's `folder` on."""
    frame: TracebackType | None = error.__traceback__
    while frame is not None and not _is_below(frame.tb_frame.f_code.co_filename, folder):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame or error.__traceback__))


def _execute(entry_point: str, arguments: list[str]) -> None:
    sys.argv = [entry_point, *arguments]
    runpy.run_path(entry_point, run_name="__main__")


def run(settings: dict[str, Any], entry_point: str, arguments: list[str]) -> int:
    """Run the program at `entry_point` (a folder or a file, from `settings["pwd"]`); return the exit code."""
    import pulumi
    import pulumi.runtime

    if folder := settings.pop("pwd", ""):
        os.chdir(folder)
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(pulumi.runtime.Settings(**settings))
    program = os.path.abspath(entry_point)  # noqa: PTH100 - compared with the file names of code objects
    if os.path.isdir(program) and not os.path.exists(os.path.join(program, "__main__.py")):  # noqa: PTH110, PTH112, PTH118
        pulumi.log.error(f"There is no __main__.py in {program}")
        return SHOWN
    # When a resource fails, the tasks that depend on it are abandoned on purpose; asyncio would complain of each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    threads = ThreadPoolExecutor(max_workers=max(settings["parallel"], 1) * THREADS_PER_OPERATION)
    loop.set_default_executor(threads)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(entry_point, arguments)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:  # whatever the user's program raises
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_own_frames(error, program)}")
        return SHOWN
    finally:
        threads.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    # The folder of this file must not be importable by the program: it holds a package named `kubernetes`.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - no pathlib before the program's own imports
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]  # noqa: PTH100
    sys.exit(run(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]))
