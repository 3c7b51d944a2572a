"""nginx in front of a Django component that lets nginx send private files (X-Accel-Redirect)."""

from __future__ import annotations

from ggi.catalogue.component import Port, Probe, Process, Volume
from ggi.catalogue.context import Context

CONFIGURATION_PATH = "/etc/nginx/conf.d/default.conf"
UPLOAD = "100m"
"""Largest request body: the Documenten API takes larger files in parts."""


def nginx_process(*, volumes: tuple[Volume, ...]) -> Process:
    """The nginx pods: image `nginx`, unprivileged, reading the files that the web pods write."""
    return Process(
        name="nginx",
        image="nginx",
        ports=(Port("http", 8080),),
        liveness=Probe(port="http", path="/_health/"),
        readiness=Probe(port="http", path="/_health/", failures=2),
        cpu=0.05,
        memory=64,
        replicas=2,
        configured=False,
        volumes=volumes,
        uid=101,
    )


def nginx_conf(context: Context, *, private: str) -> dict[str, dict[str, str]]:
    """The configuration file: pass requests on to the web pods, send files below `private` only when told to."""
    text = f"""\
server {{
  listen 8080;
  server_tokens off;
  client_max_body_size {UPLOAD};
  location = /_health/ {{ access_log off; return 200 "ok"; }}
  location /_healthz/ {{ return 404; }}
  location {private}/ {{ internal; alias {private}/; }}
  location / {{
    proxy_pass http://{context.service("web")}:80;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;
  }}
}}
"""
    return {"nginx": {CONFIGURATION_PATH: text}}
