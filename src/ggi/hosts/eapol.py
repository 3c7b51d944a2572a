"""One log-in as a visitor's device does it, by eapol_test (from wpa_supplicant), and what came of it.

eapol_test ends with 252 for a refusal, a time-out and a client that itself refuses the server, so its text tells them
apart. Passwords go into its configuration file. The secret that is shared with the server must stand on its command
line, since eapol_test takes it nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Inner = Literal["mschapv2", "pap", "md5", "gtc", "none"]


class LoginOutcome(StrEnum):
    """How a log-in ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """The server said no."""
    SILENT = "timed out"
    """Nobody answered."""
    REFUSED = "refused by the client"
    """The client did not trust the server: wrong CA, wrong name, or an old version of TLS."""
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Login:
    """Who logs in, and how. `ca`, `certificate` and `key` are names of files where eapol_test runs."""

    method: Literal["TLS", "TTLS", "PEAP", "MD5"]
    identity: str
    password: str = field(default="", repr=False)
    anonymous: str = ""
    inner: Inner = "mschapv2"
    ca: str = ""
    server_name: str = ""
    certificate: str = ""
    key: str = ""
    tls: Literal["", "1.1", "1.2", "1.3"] = ""
    """The only version of TLS that the client takes; default any."""


@dataclass(frozen=True)
class Result:
    """How it ended. `attributes` are those of the last answer, by number and as text; `text` is all that was said."""

    outcome: LoginOutcome
    seconds: float = 0.0
    tls: str = ""
    attributes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    text: str = field(default="", repr=False)
    chain: str = field(default="", repr=False)
    """The certificates that the server showed, in PEM; empty when it did not come to that."""

    def first(self, number: int) -> str:
        """The first value of an attribute, or ""."""
        return self.attributes.get(number, ("",))[0]


def config(login: Login) -> str:
    """The network block for eapol_test."""
    lines = [
        "key_mgmt=WPA-EAP",
        f"eap={login.method}",
        f"identity={_quoted(login.identity)}",
    ]
    if login.anonymous:
        lines.append(f"anonymous_identity={_quoted(login.anonymous)}")
    if login.password:
        lines.append(f"password={_quoted(login.password)}")
    if login.ca:
        lines.append(f"ca_cert={_quoted(login.ca)}")
    if login.server_name:
        lines.append(f"domain_match={_quoted(login.server_name)}")
    if login.certificate:
        lines += [f"client_cert={_quoted(login.certificate)}", f"private_key={_quoted(login.key)}"]
    phase1 = []
    if login.tls:
        for version in ("1.0", "1.1", "1.2", "1.3"):
            switch = 0 if version == login.tls else 1
            phase1.append(f"tls_disable_tlsv{version.replace('.', '_')}={switch}")
        if login.tls == "1.1":
            lines.append('openssl_ciphers="DEFAULT@SECLEVEL=0"')
    if phase1:
        lines.append(f'phase1="{" ".join(phase1)}"')
    if login.method in ("TTLS", "PEAP"):
        # TTLS carries PAP and MSCHAPv2 bare; PEAP carries EAP methods.
        how = {"pap": "auth=PAP", "mschapv2": "auth=MSCHAPV2", "md5": "autheap=MD5", "gtc": "autheap=GTC"}
        word = how[login.inner] if login.method == "TTLS" else f"auth={login.inner.upper()}"
        lines.append(f'phase2="{word}"')
    return "network={\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def _quoted(text: str) -> str:
    # wpa_supplicant has no escape in "..."; hexadecimal digits take any byte.
    plain = '"' not in text and "\\" not in text and text.isprintable()
    return f'"{text}"' if plain else text.encode().hex()


_ATTRIBUTE = re.compile(r"^ {3}Attribute (\d+) \(([^)]*)\) length=\d+\n {6}Value: (.*)$", re.M)
_SPLIT = re.compile(r"^RADIUS message: code=(\d+) .*$", re.M)
_TLS = re.compile(r"SSL: Using TLS version (\S+)")
_DISTRUST = re.compile(
    r"CTRL-EVENT-EAP-TLS-CERT-ERROR|SSL3 alert: write \(local SSL3 detected an error\):fatal:"
    r"(unknown CA|bad certificate|certificate unknown|certificate expired|protocol version)"
)
"""What eapol_test says when it is the client that does not trust the server."""


def result(text: str, seconds: float = 0.0) -> Result:
    """What eapol_test's own words say."""
    parts = _SPLIT.split(text)
    attributes: dict[int, tuple[str, ...]] = {}
    codes = [int(code) for code in parts[1::2]]
    for code, body in zip(codes, parts[2::2], strict=True):
        if code in (2, 3):
            attributes = {}
            for number, _, value in _ATTRIBUTE.findall(body):
                attributes[int(number)] = (*attributes.get(int(number), ()), _value(value))
    versions = _TLS.findall(text)
    ended = text.rstrip().endswith("SUCCESS")
    if ended and 2 in codes:
        outcome = LoginOutcome.ACCEPTED
    elif _DISTRUST.search(text):
        outcome = LoginOutcome.REFUSED
    elif 3 in codes:
        outcome = LoginOutcome.REJECTED
    elif 2 not in codes:
        outcome = LoginOutcome.SILENT
    else:
        outcome = LoginOutcome.UNCLEAR
    return Result(outcome, seconds, versions[-1] if versions else "", attributes, text)


def _value(shown: str) -> str:
    return shown[1:-1] if len(shown) > 1 and shown[0] == shown[-1] == "'" else shown
