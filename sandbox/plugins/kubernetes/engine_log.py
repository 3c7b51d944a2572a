"""Messages to the engine, which shows them beside the resource that they are about."""

from __future__ import annotations

from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

SECONDS = 5.0


class EngineLog:
    """The engine's log. A message that does not arrive is dropped: it must not fail an update."""

    def __init__(self, address: str) -> None:
        self._stub: Any = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def warn(self, urn: str, message: str) -> None:
        """Show a warning that stays."""
        self._send(engine_pb2.WARNING, urn, message, ephemeral=False)

    def status(self, urn: str, message: str) -> None:
        """Show what is going on now; an empty message clears it."""
        self._send(engine_pb2.INFO, urn, message, ephemeral=True)

    def _send(self, severity: Any, urn: str, message: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=SECONDS)
        except grpc.RpcError:
            return
