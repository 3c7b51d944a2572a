"""nginx in front of a Django component that lets nginx send private files (X-Accel-Redirect)."""

from __future__ import annotations

from dataclasses import replace

from ggi.catalogue.component import Context, Port, Probe, Process, Volume

CONFIGURATION_PATH = "/etc/nginx/conf.d/default.conf"


def nginx_process(files: Volume) -> Process:
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
        volumes=(replace(files, read_only=True),),
        uid=101,
        files_group=1000,
    )


def nginx_conf(context: Context, files: Volume, upload: str) -> dict[str, dict[str, str]]:
    """The configuration file: pass requests on to the web pods; send private files only when these say so.

    The components name such files by `/private-media/`, whatever folder they are in. `upload` limits a request's body.
    Nothing is buffered in files: the pod's scratch space is small, and the web pods have their own.
    """
    text = f"""\
server {{
  listen 8080;
  server_tokens off;
  client_max_body_size {upload};
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 300s;
  location = /_health/ {{ access_log off; return 200 "ok"; }}
  location /_healthz/ {{ return 404; }}
  location /private-media/ {{ internal; alias {files.path}/; }}
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
