"""Runs inside a short-lived pod, with Python's own library alone: try each connection and say how far it came.

`python3 probe.py` reads checks from the environment variable CHECKS (a JSON list, see `attempt`) and writes one line of
JSON for each. Secrets are read from the environment by name and never written.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import sys
import time
from typing import Any

PATIENCE = 5.0
"""Seconds for each step. A dropped packet is never answered, so refusal by a NetworkPolicy takes as long."""
TRY_FOR = 20.0
"""Seconds in which a check may still come right: network plug-ins write a new pod's rules after it has started
(kubernetes.io, Network Policies, "Pod lifecycle"), and who answers for the first time may be slow."""
PAUSE = 1.0
SOON = 14 * 86400
"""Seconds before its end at which a served certificate of ours is too old: it was renewed a month or more before its
end (`renewBefore` of the Certificates), so the program did not read the new one."""
REFUSALS = 3
"""How often it must be refused in a row to count as refused; getting through once is enough to be told."""

Check = dict[str, Any]
Said = dict[str, Any]


class Stopped(Exception):  # noqa: N818 - it says where a check stopped
    """A step that failed: its name, and what was seen."""

    def __init__(self, step: str, seen: str) -> None:
        super().__init__(seen)
        self.step = step
        self.seen = seen


def attempt(check: Check) -> Said:
    """Try one check: `host`, `port`, and how far to go.

    `tls`: `{ca: file, authorities: text, name, certificate: file, key: file, renewed: ours}`, or None. `speak`: http,
    redis, postgresql, smtp or nothing. For http: `path`, `headers`, and `auth` (jwt, token) with `client` and `secret`
    (a variable's name). `refused`: the step at which it should stop, if it should. Tried until it is so, for a while;
    but what should be refused and gets through once is told at once.
    Returns `{id, step, seen, tries}`; `step` is `done`, or dns, tcp, tls, auth or answer, where it stopped.
    """
    began = time.monotonic()
    wanted, tries, row = check.get("refused", "done"), 0, 0
    while True:
        tries += 1
        try:
            seen = _steps(check)
            step = "done"
        except Stopped as stopped:
            step, seen = stopped.step, stopped.seen
        except Exception as error:
            step, seen = "answer", f"{type(error).__name__}: {error}"
        row = row + 1 if step == wanted else 0
        enough = step == "done" or row == REFUSALS
        if enough or time.monotonic() - began > TRY_FOR:
            break
        time.sleep(PAUSE)
    taken = round(time.monotonic() - began, 2)
    return {"id": check["id"], "step": step, "seen": seen[:300], "tries": tries, "seconds": taken}


def _steps(check: Check) -> str:
    host, port = check.get("address") or check["host"], int(check["port"])
    try:
        found = [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise Stopped("dns", f"{host}: {error}") from error
    try:
        line = socket.create_connection((host, port), timeout=PATIENCE)
    except OSError as error:
        raise Stopped("tcp", f"{found[0]}:{port}: {error or 'timed out'}") from error
    with line:
        speak = check.get("speak", "")
        if speak == "smtp":
            return _smtp(line)
        if speak == "postgresql":
            line.sendall((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"))
            if line.recv(1) != b"S":
                raise Stopped("tls", "PostgreSQL takes no TLS")
        if check.get("tls"):
            line = _tls(line, check["tls"], check["host"])
        with line:
            if speak == "http":
                return _http(line, check)
            if speak == "redis":
                return _redis(line, check)
            return _of_tls(line) if isinstance(line, ssl.SSLSocket) else "open"


def _tls(line: socket.socket, wanted: dict[str, Any], host: str) -> ssl.SSLSocket:
    # With an authority named, the public ones are not trusted as well: the programs do not.
    context = ssl.create_default_context(cafile=wanted.get("ca"), cadata=wanted.get("authorities") or None)
    if wanted.get("unchecked"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if wanted.get("certificate"):
        context.load_cert_chain(wanted["certificate"], wanted["key"])
    if wanted.get("highest"):
        # To see that an outdated version is refused, it must be offered: OpenSSL's own level would not.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = getattr(ssl.TLSVersion, wanted["highest"])
    try:
        secure = context.wrap_socket(line, server_hostname=wanted.get("name") or host)
    except (OSError, ValueError) as error:
        raise Stopped("tls", str(error)) from error
    ends = (secure.getpeercert() or {}).get("notAfter")
    if wanted.get("renewed") and isinstance(ends, str) and ssl.cert_time_to_seconds(ends) - time.time() < SOON:
        raise Stopped("old", f"its certificate ends on {ends}")
    return secure


def _of_tls(line: ssl.SSLSocket) -> str:
    return f"{line.version()} {(line.cipher() or ('',))[0]}"


def _http(line: socket.socket, check: Check) -> str:
    headers = {"Host": check["host"], "Connection": "close", "Accept": "application/json", **check.get("headers", {})}
    if auth := check.get("auth"):
        headers["Authorization"] = _authorization(auth)
    lines = [f"GET {check.get('path') or '/'} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    try:
        line.sendall(("\r\n".join([*lines, "", ""])).encode())
        answer = b""
        while block := line.recv(65536):
            answer += block
            if len(answer) > 1 << 20:
                break
    except OSError as error:
        raise Stopped("answer", str(error)) from error
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *said = head.decode("latin-1").split("\r\n")
    code = int(status.split()[1]) if len(status.split()) > 1 and status.split()[1].isdigit() else 0
    named = {key.strip().lower(): value.strip() for key, _, value in (x.partition(":") for x in said)}
    for header, value in check.get("expect_headers", {}).items():
        if value not in named.get(header.lower(), ""):
            raise Stopped("answer", f"{status}; {header}: {named.get(header.lower(), 'absent')}")
    if code in check.get("statuses", [200]):
        return f"{status} {_stand_in(named)}".strip()
    text = body.decode("utf-8", "replace")
    # ZGW: known, but without rights yet; those are functional management's to give.
    if code == 403 and "permission_denied" in text and "not_authenticated" not in text:
        return f"{status}: known, no rights yet"
    raise Stopped("auth" if code in (401, 403) else "answer", f"{status} {text[:160]}")


def _stand_in(headers: dict[str, str]) -> str:
    return "(a stand-in answered)" if "x-ggi-stand-in" in headers else ""


def _authorization(auth: dict[str, str]) -> str:
    secret = os.environ.get(auth["secret"], "")
    if not secret:
        raise Stopped("auth", f"{auth['secret']} is not in the environment")
    if auth["kind"] == "token":
        # Some consumers keep the token, others the whole header.
        return f"Token {secret.removeprefix('Token ')}"
    now = int(time.time())
    claims = {"iss": auth["client"], "client_id": auth["client"], "iat": now, "user_id": "ggi-verify"}
    claims["user_representation"] = "ggi verify"
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return "Bearer " + (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def _smtp(line: socket.socket) -> str:
    """A mail server that takes letters over TLS, as EMAIL_USE_TLS demands (RFC 3207)."""
    import smtplib

    client = smtplib.SMTP(timeout=PATIENCE)
    client.sock, client.file = line, None
    try:
        code, greeting = client.getreply()
        if code != 220:
            raise Stopped("answer", f"{code} {greeting.decode('utf-8', 'replace')}")
        client.ehlo("probe.invalid")
    except (OSError, smtplib.SMTPException) as error:
        raise Stopped("answer", str(error)) from error
    if not client.has_extn("starttls"):
        raise Stopped("answer", "no STARTTLS")
    return f"{code} {greeting.decode('utf-8', 'replace')}; STARTTLS"


def _redis(line: socket.socket, check: Check) -> str:
    """Log in with the user and password of an address such as `rediss://user:password@host:6379/4`."""
    from urllib.parse import unquote, urlsplit

    found = urlsplit(os.environ.get(check["auth"]["secret"], ""))
    words = ["AUTH", unquote(found.username or ""), unquote(found.password or "")]
    line.sendall(_resp(words) + _resp(["PING"]))
    answer = b""
    while answer.count(b"\r\n") < 2 and (block := line.recv(4096)):
        answer += block
    first, _, rest = answer.decode("utf-8", "replace").partition("\r\n")
    if not first.startswith("+OK"):
        raise Stopped("auth", first)
    if "PONG" not in rest:
        raise Stopped("answer", rest.strip())
    return "PONG"


def _resp(words: list[str]) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def main() -> None:
    """Try all checks, several at a time; what should be refused comes last, when this pod's own rules are written."""
    from concurrent.futures import ThreadPoolExecutor

    checks = json.loads(os.environ["CHECKS"])
    with ThreadPoolExecutor(max_workers=16) as pool:
        for refused in (False, True):
            for said in pool.map(attempt, [check for check in checks if ("refused" in check) is refused]):
                sys.stdout.write(json.dumps(said) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
