"""Client profiles: one set of facts, written in the words of each platform. CA and server name are always pinned.

Formats: eap-config (draft-winter-opsawg-eap-metadata-02, read by geteduroam and CAT), Apple's .mobileconfig (payloads
com.apple.wifi.managed and com.apple.security.root), ChromeOS' Open Network Configuration, NetworkManager's keyfile, the
network block of wpa_supplicant.
"""

from __future__ import annotations

import base64
import json
import plistlib
import uuid
from collections.abc import Mapping
from xml.etree import ElementTree

from ggi.hosts.profile import EAP, Profile
from ggi.hosts.windows import intune, wlan_profile
from ggi.hosts.wlan import SSID
from ggi.inventory.govroam import chain


def files(profile: Profile) -> Mapping[str, str]:
    """All profiles by name of file. None has a secret: the device asks for the user's own."""
    return {
        f"{profile.realm}.eap-config": eap_config(profile),
        f"{profile.realm}.mobileconfig": mobileconfig(profile),
        f"{profile.realm}.onc": onc(profile),
        f"{profile.realm}.nmconnection": networkmanager(profile),
        f"{profile.realm}.wpa_supplicant.conf": wpa_supplicant(profile),
        f"{profile.realm}.wlan.xml": wlan_profile(profile),
        f"{profile.realm}.intune.json": intune(profile, mobileconfig(profile)),
        f"{profile.realm}.ca.pem": profile.authority.rstrip() + "\n",
    }


def eap_config(profile: Profile) -> str:
    """For geteduroam and CAT."""
    root = ElementTree.Element("EAPIdentityProviderList")
    provider = _sub(root, "EAPIdentityProvider", ID=profile.realm, namespace="urn:RFC4282:realm", version="1")
    method = _sub(_sub(provider, "AuthenticationMethods"), "AuthenticationMethod")
    _text(_sub(method, "EAPMethod"), "Type", str(EAP[profile.method]))
    server = _sub(method, "ServerSideCredential")
    for der in profile.authorities:
        _text(server, "CA", base64.b64encode(der).decode(), format="X.509", encoding="base64")
    _text(server, "ServerID", profile.server_name)
    client = _sub(method, "ClientSideCredential")
    _text(client, "OuterIdentity", profile.outer)
    if profile.method != "tls":
        _text(client, "InnerIdentitySuffix", profile.realm)
        _text(client, "InnerIdentityHint", "true")
        inner = _sub(method, "InnerAuthenticationMethod")
        _text(_sub(inner, "EAPMethod"), "Type", str(EAP["mschapv2"]))
    network = _sub(_sub(provider, "CredentialApplicability"), "IEEE80211")
    _text(network, "SSID", SSID)
    _text(network, "MinRSNProto", "CCMP")
    _text(_sub(provider, "ProviderInfo"), "DisplayName", profile.organisation)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _sub(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _text(parent: ElementTree.Element, tag: str, value: str, **attributes: str) -> None:
    _sub(parent, tag, **attributes).text = value


def mobileconfig(profile: Profile) -> str:
    """For iOS, iPadOS and macOS."""

    def payload(kind: str, name: str, **values: object) -> dict[str, object]:
        identifier = uuid.uuid5(profile.id, f"{kind}/{name}")
        return {
            "PayloadType": kind,
            "PayloadVersion": 1,
            "PayloadIdentifier": f"govroam.{profile.realm}.{name}",
            "PayloadUUID": str(identifier).upper(),
            "PayloadDisplayName": f"{SSID} {profile.organisation}",
            **values,
        }

    anchors = [
        payload("com.apple.security.root", f"ca{number}", PayloadContent=der)
        for number, der in enumerate(profile.authorities)
    ]
    client: dict[str, object] = {
        "AcceptEAPTypes": [EAP[profile.method]],
        "OuterIdentity": profile.outer,
        "TLSTrustedServerNames": [profile.server_name],
        "PayloadCertificateAnchorUUID": [anchor["PayloadUUID"] for anchor in anchors],
        "TLSMinimumVersion": "1.2",
    }
    if profile.method == "ttls":
        client["TTLSInnerAuthentication"] = "MSCHAPv2"
    wifi = payload(
        "com.apple.wifi.managed",
        "wifi",
        SSID_STR=SSID,
        AutoJoin=True,
        HIDDEN_NETWORK=False,
        EncryptionType="WPA2",
        EAPClientConfiguration=client,
    )
    whole = payload(
        "Configuration", "profile", PayloadContent=[*anchors, wifi], PayloadOrganization=profile.organisation
    )
    return plistlib.dumps(whole).decode()


def onc(profile: Profile) -> str:
    """For ChromeOS."""
    from cryptography.hazmat.primitives.serialization import Encoding

    certificates = [
        {"GUID": f"{{{uuid.uuid5(profile.id, f'onc/{number}')}}}", "Type": "Authority",
         "X509": one.public_bytes(Encoding.PEM).decode()}
        for number, one in enumerate(chain(profile.authority))
    ]  # fmt: skip
    outer = {"tls": "EAP-TLS", "ttls": "EAP-TTLS", "peap": "PEAP"}[profile.method]
    eap: dict[str, object] = {
        "Outer": outer,
        "AnonymousIdentity": profile.outer,
        "ServerCARefs": [one["GUID"] for one in certificates],
        "DomainSuffixMatch": [profile.server_name],
        "UseSystemCAs": False,
        "SaveCredentials": True,
    }
    if profile.method != "tls":
        eap["Inner"] = "MSCHAPv2"
    network = {
        "GUID": f"{{{profile.id}}}",
        "Name": SSID,
        "Type": "WiFi",
        "WiFi": {"SSID": SSID, "Security": "WPA-EAP", "AutoConnect": True, "HiddenSSID": False, "EAP": eap},
    }
    whole = {"Type": "UnencryptedConfiguration", "NetworkConfigurations": [network], "Certificates": certificates}
    return json.dumps(whole, indent=1) + "\n"


def networkmanager(profile: Profile) -> str:
    """For Linux desktops; the CA lies beside it."""
    lines = ["[connection]", f"id={SSID}", f"uuid={profile.id}", "type=wifi", "", "[wifi]", f"ssid={SSID}", ""]
    lines += ["[wifi-security]", "key-mgmt=wpa-eap", "", "[802-1x]", f"eap={profile.method};"]
    lines += [f"anonymous-identity={profile.outer}", f"ca-cert=/etc/ssl/certs/{profile.realm}.ca.pem"]
    lines += [f"domain-match={profile.server_name}"]
    if profile.method != "tls":
        lines += ["phase2-auth=mschapv2", "password-flags=2"]
    return "\n".join(lines) + "\n"


def wpa_supplicant(profile: Profile, ca: str = "") -> str:
    """For wpa_supplicant; identity and password (or certificate) are the user's to add."""
    lines = [f'ssid="{SSID}"', "key_mgmt=WPA-EAP WPA-EAP-SHA256", "proto=RSN", "pairwise=CCMP", "ieee80211w=1"]
    lines += [f"eap={profile.method.upper()}", f'anonymous_identity="{profile.outer}"']
    lines += [f'ca_cert="{ca or f"/etc/ssl/certs/{profile.realm}.ca.pem"}"', f'domain_match="{profile.server_name}"']
    if profile.method != "tls":
        lines.append('phase2="auth=MSCHAPV2"')
    return "network={\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"
