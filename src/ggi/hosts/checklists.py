"""Where each vendor's console has the settings of a page, in the vendor's own words.

Looked up in the vendors' manuals and in govroam UK's page on Called-Station-Id, not tried on that equipment; the page
says so. Settings of hostapd come from the role wlan, those of OpenWrt from `ggi.hosts.wlan.openwrt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ggi.messages import t


@dataclass(frozen=True)
class Console:
    """Places in one vendor's console or configuration."""

    title: str
    security: str
    frames: str
    servers: str
    vlan: str
    called: str

    @property
    def rows(self) -> Mapping[str, str]:
        """What to set, and where."""
        return {
            t("security"): self.security,
            t("protected management frames"): self.frames,
            t("RADIUS servers"): self.servers,
            t("VLAN from the servers"): self.vlan,
            "Called-Station-Id": self.called,
        }


CONSOLES: Mapping[str, Console] = {
    "aruba": Console(
        "Aruba AOS 8",
        "wlan ssid-profile: essid govroam, opmode wpa2-aes or wpa3-aes-ccm-128",
        "wlan ssid-profile: mfp-capable, mfp-required",
        "aaa authentication-server radius (one for each server), aaa server-group (in order)",
        "taken from Tunnel-Private-Group-Id by itself",
        "aaa authentication-server radius: called-station-id type macaddr delimiter dash include-ssid enable",
    ),
    "cisco": Console(
        "Cisco Catalyst 9800",
        "wlan: security wpa wpa2 ciphers aes, security wpa akm dot1x (WPA3: dot1x-sha256)",
        "wlan: security pmf optional or mandatory",
        "radius server (one for each), aaa group server radius (in order)",
        "wireless profile policy: aaa-override",
        "radius-server attribute wireless authentication call-station-id ap-macaddress-ssid",
    ),
    "meraki": Console(
        "Meraki dashboard",
        "Wireless > Access control > Security: Enterprise with my RADIUS server; WPA encryption",
        "Wireless > Access control: 802.11w",
        "Wireless > Access control > RADIUS: servers in order, RADIUS accounting servers",
        "Wireless > Access control: RADIUS override, RADIUS response can override VLAN tag",
        "AP MAC and SSID by itself",
    ),
    "ruckus": Console(
        "Ruckus SmartZone",
        "Wireless LANs: Authentication type Standard, method 802.1X EAP; Encryption WPA2 or WPA3 (AES)",
        "Wireless LANs: 802.11w MFP",
        "Security > Authentication (and Accounting): RADIUS, primary and secondary server",
        "Wireless LANs > VLAN: Dynamic VLAN (AAA override)",
        "Wireless LANs > RADIUS options: Called STA ID = AP MAC",
    ),
    "unifi": Console(
        "UniFi Network",
        "Settings > WiFi > Security: WPA2 Enterprise or WPA3 Enterprise",
        "Settings > WiFi: PMF",
        "Settings > Profiles > RADIUS: authentication and accounting servers in order",
        "Settings > Profiles > RADIUS: RADIUS assigned VLAN for wireless networks",
        "access point and SSID by itself",
    ),
}
"""By platform, as in `access_points.<group>.platform`."""
