"""Carries connections from loopback ports of this machine into the network of a sandbox.

`python -m sandbox.node.forward CONFIG`: CONFIG is a JSON file, `{"namespace": PATH, "ports": {"20001": ["10.96.0.9",
443]}}`; it is read again when it changes. A port is listened on here; where it leads to is reached from within the
namespace. Nothing of this machine's network is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000
"""`setns(2)`: the namespace is one of networks."""
LOOK_SECONDS = 0.3
BLOCK = 1 << 16


class Forwarder:
    """Listens, and connects from within another network."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.seen = 0
        self.there = -1
        self.here = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.targets: dict[int, tuple[str, int]] = {}
        self.servers: dict[int, asyncio.Server] = {}

    async def run(self) -> None:
        """Until the process ends."""
        while True:
            with contextlib.suppress(OSError, ValueError):
                if (changed := self.config.stat().st_mtime_ns) != self.seen:
                    await self._read()
                    self.seen = changed
            await asyncio.sleep(LOOK_SECONDS)

    async def _read(self) -> None:
        wanted: dict[str, Any] = json.loads(self.config.read_text(encoding="utf-8"))
        there = os.open(wanted["namespace"], os.O_RDONLY)
        if self.there >= 0:
            os.close(self.there)
        self.there = there
        self.targets = {int(port): (address, int(number)) for port, (address, number) in wanted["ports"].items()}
        for port in [port for port in self.servers if port not in self.targets]:
            self.servers.pop(port).close()
        for port in self.targets:
            if port not in self.servers:
                self.servers[port] = await asyncio.start_server(self._accept, "127.0.0.1", port)

    def _socket(self) -> socket.socket:
        """A socket belongs to the namespace in which it is made."""
        if self.libc.setns(self.there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        finally:
            self.libc.setns(self.here, CLONE_NEWNET)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        try:
            made = self._socket()
            made.setblocking(False)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(made, self.targets[port]), 10)
            back, forth = await asyncio.open_connection(sock=made)
        except (OSError, KeyError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(_carry(reader, forth), _carry(back, writer))
        for end in (writer, forth):
            end.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(Forwarder(Path(sys.argv[1])).run())
