"""Where the gateway of a landscape is reached."""

from __future__ import annotations

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import UnknownKindError
from ggi.landscape.platform import GATEWAY
from ggi.messages import t

PORT = 443
"""On which it serves all components."""


def gateway_address(api: KubeApi, namespace: str) -> tuple[str, str]:
    """Its address (a host name in some clouds), and what is wrong; one of the two is empty. Raises ApiError."""
    try:
        found = api.find("gateway.networking.k8s.io/v1", "Gateway", GATEWAY, namespace)
    except UnknownKindError as error:
        return "", error.message
    if found is None:
        return "", t("there is no gateway in {namespace}; run `./ggi up` first", namespace=namespace)
    addresses = (found.get("status") or {}).get("addresses") or ()
    if not addresses:
        return "", t(
            "the gateway has no address; look at `kubectl describe gateway -n {namespace}`", namespace=namespace
        )
    return str(addresses[0]["value"]), ""
