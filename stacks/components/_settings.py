"""Settings of a Django component on this platform: those of its image, with TLS to Redis and the authorities trusted.

Runs inside the component: DJANGO_SETTINGS_MODULE names it, and GGI_SETTINGS_MODULE the module of the image. Two things
can't be said by environment. The images write `redis://` before the addresses of their caches
(open_api_framework/conf/base.py caf2f14, openforms/conf/base.py 5e58131), which is Redis without TLS. And of
EXTRA_VERIFY_CERTS, Open Klant 2.18 and Open Object 4.2 know nothing, while Open Formulieren guards it with a lock in
Redis for which its user would need CLIENT KILL (openforms/setup.py). So the bundle is made here, for all of them alike,
in the way of self-certifi: the public authorities of certifi, and those of the platform.
"""

import importlib
import os
import tempfile
from pathlib import Path

import certifi

globals().update(vars(importlib.import_module(os.environ["GGI_SETTINGS_MODULE"])))

for _cache in globals()["CACHES"].values():
    if "redis" in _cache["BACKEND"] and str(_cache.get("LOCATION")).startswith("redis://"):
        _cache["LOCATION"] = _cache["LOCATION"].replace("redis://", "rediss://", 1)

_authorities = [certifi.where(), *os.environ["GGI_AUTHORITIES"].split(",")]
_bundle = Path(tempfile.mkdtemp()) / "authorities.pem"
_bundle.write_text("\n".join(Path(path).read_text(encoding="utf-8") for path in _authorities), encoding="utf-8")
os.environ["REQUESTS_CA_BUNDLE"] = str(_bundle)
