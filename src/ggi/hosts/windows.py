"""Client profiles for Windows and for Intune.

Windows: the WLAN profile schema with EapHostConfig inside (Microsoft Open Specifications, MS-GPWL; the EAP part is what
Windows itself exports). Intune: Microsoft Graph v1.0 `deviceConfiguration` objects. Windows gets the CA and the same
WLAN profile by their configuration service providers (RootCATrustedCertificates, WiFi); Apple devices get the
.mobileconfig as it is.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import TypeAlias
from xml.etree import ElementTree

from ggi.hosts.profile import EAP, Profile
from ggi.hosts.wlan import SSID

_MS = "http://www.microsoft.com"
_TTLS_AUTHOR = 311
"""Microsoft's own EAP-TTLS (IANA private enterprise number); the other methods are the standard's, author 0."""

Node: TypeAlias = "tuple[str, Tree]"
"""A tag with what is in it. A tag may carry a namespace, which holds from there on: `Eap http://...`."""
Tree: TypeAlias = "str | Sequence[Node]"
"""Text, or children in order."""


def _element(tag: str, tree: Tree) -> ElementTree.Element:
    name, _, namespace = tag.partition(" ")
    element = ElementTree.Element(name, {"xmlns": namespace} if namespace else {})
    if isinstance(tree, str):
        element.text = tree
    else:
        element.extend(_element(child, content) for child, content in tree)
    return element


def wlan_profile(profile: Profile) -> str:
    """For Windows 10 and newer: `netsh wlan add profile filename=...`."""
    kinds = {"peap": _peap, "ttls": _ttls, "tls": _tls}
    common = f"{_MS}/provisioning/EapCommon"
    method: list[Node] = [
        (f"Type {common}", str(EAP[profile.method])),
        (f"VendorId {common}", "0"),
        (f"VendorType {common}", "0"),
        (f"AuthorId {common}", str(_TTLS_AUTHOR if profile.method == "ttls" else 0)),
    ]
    host: list[Node] = [("EapMethod", method), ("Config", [kinds[profile.method](profile)])]
    security: list[Node] = [
        ("authEncryption", [("authentication", "WPA2"), ("encryption", "AES"), ("useOneX", "true")]),
        ("PMKCacheMode", "enabled"),
        ("PMKCacheTTL", "720"),
        ("PMKCacheSize", "128"),
        ("preAuthMode", "disabled"),
        (
            f"OneX {_MS}/networking/OneX/v1",
            [
                ("cacheUserData", "true"),
                ("authMode", "user"),
                ("EAPConfig", [(f"EapHostConfig {_MS}/provisioning/EapHostConfig", host)]),
            ],
        ),
    ]
    whole: list[Node] = [
        ("name", SSID),
        ("SSIDConfig", [("SSID", [("hex", SSID.encode().hex().upper()), ("name", SSID)]), ("nonBroadcast", "false")]),
        ("connectionType", "ESS"),
        ("connectionMode", "auto"),
        ("autoSwitch", "false"),
        ("MSM", [("security", security)]),
    ]
    root = _element(f"WLANProfile {_MS}/networking/WLAN/profile/v1", whole)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _thumbprints(profile: Profile) -> list[str]:
    """What Windows calls a certificate by: the SHA-1 of its DER, as hexadecimal digits."""
    return [hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in profile.authorities]


def _spaced(thumbprint: str) -> str:
    return bytes.fromhex(thumbprint).hex(" ")


def _validation(profile: Profile) -> Node:
    """The server must have this name and a certificate of these CAs, and the user is never asked to trust another."""
    anchors = [("TrustedRootCA", _spaced(one)) for one in _thumbprints(profile)]
    prompt = ("DisableUserPromptForServerValidation", "true")
    return "ServerValidation", [prompt, ("ServerNames", profile.server_name), *anchors]


def _base(kind: int, namespace: str, tree: Tree) -> Node:
    inside = [("Type", str(kind)), (f"EapType {_MS}/provisioning/{namespace}", tree)]
    return f"Eap {_MS}/provisioning/BaseEapConnectionPropertiesV1", inside


def _peap(profile: Profile) -> Node:
    newer = f"{_MS}/provisioning/MsPeapConnectionPropertiesV2"
    inner = _base(EAP["mschapv2"], "MsChapV2ConnectionPropertiesV1", [("UseWinLogonCredentials", "false")])
    # Windows adds the realm of the user's own name.
    name = profile.outer.partition("@")[0]
    privacy = [("EnableIdentityPrivacy", "true"), ("AnonymousUserName", name)]
    extensions: list[Node] = [
        (f"PerformServerValidation {newer}", "true"),
        (f"AcceptServerName {newer}", "true"),
        (f"IdentityPrivacy {newer}", privacy),
    ]
    tree: list[Node] = [
        _validation(profile),
        ("FastReconnect", "true"),
        ("InnerEapOptional", "false"),
        inner,
        ("EnableQuarantineChecks", "false"),
        ("RequireCryptoBinding", "true"),
        ("PeapExtensions", extensions),
    ]
    return _base(EAP["peap"], "MsPeapConnectionPropertiesV1", tree)


def _ttls(profile: Profile) -> Node:
    anchors = [("TrustedRootCAHash", _spaced(one)) for one in _thumbprints(profile)]
    validation = [("ServerNames", profile.server_name), *anchors, ("DisablePrompt", "true")]
    inner = [("MSCHAPv2Authentication", [("UseWinlogonCredentials", "false")])]
    privacy = [("IdentityPrivacy", "true"), ("AnonymousIdentity", profile.outer)]
    tree: list[Node] = [("ServerValidation", validation), ("Phase2Authentication", inner), ("Phase1Identity", privacy)]
    return f"EapTtls {_MS}/provisioning/EapTtlsConnectionPropertiesV1", tree


def _tls(profile: Profile) -> Node:
    newer = f"{_MS}/provisioning/EapTlsConnectionPropertiesV2"
    store = [("CertificateStore", [("SimpleCertSelection", "true")])]
    tree: list[Node] = [
        ("CredentialsSource", store),
        _validation(profile),
        ("DifferentUsername", "false"),
        (f"PerformServerValidation {newer}", "true"),
        (f"AcceptServerName {newer}", "true"),
    ]
    return _base(EAP["tls"], "EapTlsConnectionPropertiesV1", tree)


def intune(profile: Profile, mobileconfig: str) -> str:
    """A JSON list of objects, each the body of a POST to `deviceManagement/deviceConfigurations`."""

    def setting(kind: str, what: str, uri: str, file: str, content: str) -> dict[str, str]:
        return {
            "@odata.type": f"#microsoft.graph.{kind}",
            "displayName": what,
            "omaUri": uri,
            "fileName": file,
            "value": base64.b64encode(content.encode()).decode() if kind == "omaSettingStringXml" else content,
        }

    roots = [
        setting(
            "omaSettingBase64",
            f"CA {number}",
            f"./Device/Vendor/MSFT/RootCATrustedCertificates/Root/{thumbprint}/EncodedCertificate",
            f"ca{number}.cer",
            base64.b64encode(der).decode(),
        )
        for number, (thumbprint, der) in enumerate(zip(_thumbprints(profile), profile.authorities, strict=True), 1)
    ]
    uri = f"./Device/Vendor/MSFT/WiFi/Profile/{SSID}/WlanXml"
    wifi = setting("omaSettingStringXml", SSID, uri, "wlan.xml", wlan_profile(profile))

    def body(platform: str, what: str, **values: object) -> dict[str, object]:
        kind = f"#microsoft.graph.{platform}CustomConfiguration"
        return {"@odata.type": kind, "displayName": f"{SSID} {profile.realm} {what}", **values}

    apple = {
        "payloadName": f"{SSID} {profile.realm}",
        "payloadFileName": f"{profile.realm}.mobileconfig",
        "payload": base64.b64encode(mobileconfig.encode()).decode(),
    }
    bodies = [
        body("windows10", "CA", omaSettings=roots),
        body("windows10", "Wi-Fi", omaSettings=[wifi]),
        body("ios", "iOS", **apple),
        body("macOS", "macOS", **apple),
    ]
    return json.dumps(bodies, indent=1) + "\n"
