"""What every plugin process does: serve gRPC on a free loopback port, print the port, go when the engine goes.

The contract is Pulumi's: the first line on standard output is the port; the last argument is the engine's address; the
engine stops a plugin by SIGINT to its process group and kills it after five seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc

_Servicer = TypeVar("_Servicer")

WATCH_SECONDS = 1.0
UNLIMITED = -1
OPTIONS = [("grpc.max_receive_message_length", UNLIMITED), ("grpc.max_send_message_length", UNLIMITED)]
"""A landscape's state is larger than gRPC's default of 4 MB."""


def engine_address(arguments: list[str]) -> str:
    """Return the engine's `host:port` from the plugin's arguments (the last one that is not an option), or ''."""
    positional = [a for a in arguments if not a.startswith("-")]
    return positional[-1] if positional else ""


def decline_the_rest(servicer: type[_Servicer]) -> type[_Servicer]:
    """Answer "unimplemented" to every method that `servicer` itself does not define.

    The generated base class raises NotImplementedError, which gRPC prints with a traceback for the user to see.
    """

    def decline(self: object, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "this stand-in does not have this method")

    for name in dir(servicer.__base__):
        if name[0].isupper() and name not in vars(servicer):
            setattr(servicer, name, decline)
    return servicer


def exit_with_parent(leave: Callable[[], None]) -> None:
    """Call `leave` and end this process as soon as the process that started it is gone.

    The parent's id is polled: PR_SET_PDEATHSIG fires when the *thread* that started us ends, and Go ends threads.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        leave()
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def serve(register: Callable[[Any], None], leave: Callable[[], None], threads: int) -> None:
    """Serve until SIGINT or SIGTERM, or until the engine is gone.

    `register` adds the services to the server. `leave` runs once before the process ends and must be quick.
    """

    def stop(*_: object) -> None:
        leave()
        # Worker threads may be in the middle of a long wait: don't join them.
        os._exit(0)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    server = grpc.server(ThreadPoolExecutor(max_workers=threads), options=OPTIONS)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    exit_with_parent(leave)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while True:
        signal.pause()
