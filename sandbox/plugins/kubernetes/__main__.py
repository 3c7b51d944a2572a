"""`python -m sandbox.plugins.kubernetes [--version] ENGINE_ADDRESS`: serve the provider to the engine."""

from __future__ import annotations

import sys

from sandbox.plugins import protocol

protocol.load()

from pulumi.runtime.proto import provider_pb2_grpc  # noqa: E402 - after the empty packages are in place

from sandbox.plugins.kubernetes.provider import KubernetesProvider, plugin_version  # noqa: E402
from sandbox.plugins.server import engine_address, serve  # noqa: E402

THREADS = 128
"""A wait holds a thread; the engine has at most this many operations under way with its default parallelism."""


def main() -> None:
    """Serve, or print the version."""
    if "--version" in sys.argv[1:] or "-version" in sys.argv[1:]:
        sys.stdout.write(f"v{plugin_version()}\n")
        return
    provider = KubernetesProvider(engine_address(sys.argv[1:]))
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        provider.cancelled.set,
        threads=THREADS,
    )


if __name__ == "__main__":
    main()
