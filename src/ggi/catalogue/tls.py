"""How every component ends TLS for its own name: its files and suites; and how long a request may take."""

from __future__ import annotations

FOLDER = "/etc/ggi/internal"
"""Where the pods of a component find its certificate, `<component>-internal`, and the authority behind it."""
FILES = ("ca.crt", "tls.crt", "tls.key")
AUTHORITY = f"{FOLDER}/ca.crt"
CERTIFICATE = f"{FOLDER}/tls.crt"
KEY = f"{FOLDER}/tls.key"

HTTPS_PORT = 8443
"""Container port; the Service has 443, so that an address needs no port."""

CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""TLS 1.2 suites that the NCSC guideline of 2025-05 calls sufficient; TLS 1.3 suites can't be chosen in Envoy."""

REQUEST_SECONDS = 300
"""How long a request may take, along the whole path: route, nginx, uWSGI. An upload of 100 MB over a slow line needs
minutes.

Without it the path ends at its lowest default: 15 s in Envoy Gateway (internal/gatewayapi/route.go v1.9.1,
`HTTPRequestTimeout`), 60 s in nginx (`proxy_read_timeout`) and 60 s in uWSGI's HTTP router (`http-timeout`).
"""


def certificate_secret(component: str) -> str:
    """The Secret with the certificate of a component's own name, which cert-manager writes."""
    return f"{component}-internal"
