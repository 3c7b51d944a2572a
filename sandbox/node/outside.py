"""Plays what is outside a cluster: a mail server, and the directory of an FSC group.

`python -m sandbox.node.outside CONFIG` in the network of the sandbox; CONFIG is a JSON file, `{"mail": [ADDRESS, PORT],
"directory": [ADDRESS, HOST], "letters": FOLDER, "pki": FOLDER}`. Letters are kept as files and go nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ggi.files import write_atomically
from sandbox.hosts.authority import Authority
from sandbox.node.supplies import GROUP_AUTHORITY

KEPT = 200
"""Letters; older ones are removed."""


def tls(authority: Authority, host: str, *, mutual: bool, days: int = 365) -> ssl.SSLContext:
    """A server of this name; with `mutual`, for those who have a certificate by the same authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem if mutual else None)
    context.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE
    issued = authority.issue(host, [host], days=days)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(issued.certificate + issued.key)
        file.flush()
        context.load_cert_chain(file.name)
    return context


class Mail:
    """Takes letters as a server for submission does (RFC 5321, RFC 3207), and keeps them."""

    def __init__(self, context: ssl.SSLContext, letters: Path) -> None:
        self.context = context
        self.letters = letters

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        safe = False
        await _say(writer, "220 stand-in ESMTP")
        while line := await reader.readline():
            word = line.split(None, 1)[0].upper() if line.strip() else b""
            if word == b"EHLO":
                await _say(writer, *(["250-stand-in", "250 8BITMIME"] if safe else ["250-stand-in", "250 STARTTLS"]))
            elif word == b"STARTTLS" and not safe:
                await _say(writer, "220 go on")
                await writer.start_tls(self.context)
                safe = True
            elif word == b"QUIT":
                await _say(writer, "221 bye")
                return
            elif word in (b"MAIL", b"RCPT", b"DATA") and not safe:
                await _say(writer, "530 STARTTLS first")
            elif word == b"DATA":
                await _say(writer, "354 go on")
                self._keep((await reader.readuntil(b"\r\n.\r\n"))[:-3])
                await _say(writer, "250 kept")
            else:
                known = word in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP")
                await _say(writer, "250 fine" if known else "502 not here")

    def _keep(self, letter: bytes) -> None:
        self.letters.mkdir(parents=True, exist_ok=True)
        write_atomically(self.letters / f"{time.time_ns()}.eml", letter.decode("utf-8", "replace"))
        for old in sorted(self.letters.glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)


async def _say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()


async def directory(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says what it is, to whoever has a certificate of the group."""
    body = b'{"stand-in": "directory"}'
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-GGI-Stand-In: directory\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    writer.close()


async def main(config: dict[str, Any]) -> None:
    """Until the process is ended."""
    authority = Authority.kept(Path(config["pki"]), *GROUP_AUTHORITY)
    servers = []
    if mail := config.get("mail"):
        context = tls(authority, "stand-in", mutual=False)
        served = Mail(context, Path(config["letters"]))
        servers.append(await asyncio.start_server(served.serve, mail[0], mail[1], limit=1 << 26))
    if found := config.get("directory"):
        context = tls(authority, found[1], mutual=True)
        servers.append(await asyncio.start_server(directory, found[0], 443, ssl=context))
    await asyncio.gather(*(server.serve_forever() for server in servers), asyncio.Event().wait())


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
