"""What to hand to the network team: a page per network, and firewall requests as a table. In the language in use."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ggi.hosts.build import Hosts, Wait, waits
from ggi.hosts.checklists import CONSOLES
from ggi.hosts.flows import flows
from ggi.hosts.network import ansible_inventory
from ggi.hosts.wlan import SSID, openwrt
from ggi.inventory.govroam import AccessPoints, Govroam
from ggi.inventory.network import NetworkFile
from ggi.messages import t

RESPONSE_WINDOW = 6
"""Seconds that a server waits for the home organisation; an access point must wait longer."""

SECURITY: Mapping[str, tuple[str, str]] = {
    "wpa2": ("WPA2-Enterprise (AES/CCMP)", "optional"),
    "wpa2-wpa3": ("WPA2/WPA3-Enterprise transition (AES/CCMP)", "capable"),
    "wpa3": ("WPA3-Enterprise (AES/CCMP)", "required"),
}
"""Name of the security and protected management frames per setting (Wi-Fi Alliance, WPA3 specification)."""


def firewall_csv(network: str, govroam: Govroam) -> str:
    """Firewall requests: one line per flow and server, as a table for the network team's form."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["network", "flow", "source", "target", "protocol", "port"])
    for name, server in govroam.servers.items():
        own = f"{server.address} ({network}-{name})"
        for flow in flows(govroam):
            for other in flow.addresses or ("any",):
                ends = (other, own) if flow.inbound else (own, other)
                writer.writerow([network, flow.name, *ends, flow.protocol, flow.port])
        for other in govroam.management.networks if govroam.managed and govroam.management else ():
            writer.writerow([network, "management", other, own, "tcp", 22])
    return stream.getvalue()


def page(network: str, file: NetworkFile) -> str:
    """The page for the network team, as Markdown."""
    govroam = file.govroam
    if govroam is None:
        return ""
    lines = [f"# govroam: {file.name}", "", t("For the team that manages access points and firewalls."), ""]
    lines += _open(waits(govroam))
    lines += [f"## {t('RADIUS servers')}", ""]
    lines += [f"| {t('server')} | {t('address')} | {t('authentication')} | {t('accounting')} |", "|---|---|---|---|"]
    lines += [f"| {s.host} | {s.address} | UDP 1812 | UDP 1813 |" for s in govroam.servers.values()]
    lines += [
        "",
        t("Use both, in this order. The shared secret of each group: `ggi hosts secret {stack} GROUP`.", stack=network)
        if govroam.managed
        else t("Use all, in this order. The shared secrets are those of the servers' owner."),
        t("Time-out of an access point: at least {seconds} s, with one retry.", seconds=RESPONSE_WINDOW + 2),
        t("Message-Authenticator must be sent in every request; requests without it get no answer.")
        if govroam.managed
        else t("Message-Authenticator must be sent in every request (CVE-2024-3596)."),
        "",
        f"## {t('Wireless network')}",
        "",
        t("SSID: `{ssid}`, exactly so, broadcast. Visitors: DHCP and DNS, no captive portal, no proxy.", ssid=SSID),
        "",
    ]
    for name, group in sorted(govroam.access_points.items()):
        lines += list(_group(name, group))
    return "\n".join(lines).rstrip() + "\n"


def _open(found: tuple[Wait, ...]) -> list[str]:
    if not found:
        return []
    lines = [f"## {t('Still open')}", ""]
    lines += [f"- {wait.what}: {t('from {who}', who=wait.who)} (`govroam.{wait.key}`)" for wait in found]
    return [*lines, ""]


def _group(name: str, group: AccessPoints) -> Iterator[str]:
    security, frames = SECURITY[group.security]
    rows = {
        t("addresses"): ", ".join(group.addresses),
        t("security"): f"{security}, PMF {frames}, {t('no TKIP')}",
        t("VLAN of visitors"): str(group.visitor_vlan),
        t("VLAN of own people"): str(group.staff_vlan or group.visitor_vlan),
        "NAS-Identifier": name,
        "Calling-Station-Id": "02-00-00-00-00-01",
        "Called-Station-Id": f"02-00-00-00-00-02:{SSID}",
        "802.11r": t("on") if group.fast_transition else t("off"),
        "CoA": t("off"),
    }
    yield from (f"### {name} ({group.platform})", "", f"| {t('setting')} | {t('value')} |", "|---|---|")
    yield from (f"| {key} | {value} |" for key, value in rows.items())
    yield ""
    console = CONSOLES.get(group.platform)
    if console is not None:
        yield t(
            "Where {title} has it (looked up in manuals, not tried on this equipment; names differ by version):",
            title=console.title,
        )
        yield ""
        yield from (f"- [ ] {what}: {where}" for what, where in console.rows.items())
        yield ""


def write(built: Hosts, file: NetworkFile, folder: Path) -> list[Path]:
    """Write variables (`hosts.json`), the page and the firewall requests to `folder`; returns the files.

    Nothing in them is a secret: secrets are references.
    """
    govroam = file.govroam
    if govroam is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "hosts.json": json.dumps(ansible_inventory([built]), indent=1, ensure_ascii=False) + "\n",
        "network-team.md": page(built.stack, file),
        "firewall.csv": firewall_csv(built.stack, govroam),
        **{
            f"openwrt-{name}.uci": openwrt(name, group, govroam)
            for name, group in sorted(govroam.access_points.items())
            if group.platform == "openwrt"
        },
    }
    written = []
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written
