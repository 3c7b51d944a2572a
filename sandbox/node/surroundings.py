"""Plays what surrounds a cluster: it hands out volumes and supplies what other parties would.

`python -m sandbox.node.surroundings NAME` runs until it is ended.
"""

from __future__ import annotations

import contextlib
import sys
import time

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError
from ggi.errors import GgiError
from sandbox.layout import Layout
from sandbox.node import supplies, volumes

PAUSE = 0.7


def main() -> None:
    """Until the process is ended."""
    layout = Layout.of(sys.argv[1])
    while True:
        with (
            contextlib.suppress(ApiError, GgiError, OSError),
            KubeApi.from_kubeconfig(layout.kubeconfig, layout.context, timeout=20.0, patience=5.0) as api,
        ):
            while True:
                volumes.provide(api, layout.nodes / "volumes")
                supplies.supply(api, layout.pki)
                time.sleep(PAUSE)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
