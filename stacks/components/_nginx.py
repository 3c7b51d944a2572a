"""nginx beside a component's web process: it ends TLS for the public name, and sends private files (X-Accel-Redirect).

It runs in the same pod, so what it passes on never leaves the pod unencrypted. It reads a certificate once, so a loop
beside it makes it read anew when the file has changed: `nginx -s reload` starts new workers and lets the old ones
finish their requests (nginx.org, "Controlling nginx", changing configuration). The kubelet brings a renewed Secret into
the pod within about a minute and a half, and cert-manager renews a month before the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ggi.catalogue.component import Port, Probe, Process, SecretMount, Volume
from ggi.catalogue.tls import CERTIFICATE, CIPHERS, FOLDER, HTTPS_PORT, KEY, REQUEST_SECONDS, certificate_secret

CONFIGURATION_PATH = "/etc/nginx/conf.d/default.conf"
BODY = "50m"
"""Largest body where no documents are uploaded: the import files of the administration fit."""
START = f"""\
print() {{ sha256sum {CERTIFICATE} {KEY}; }}
read=$(print)
while sleep 30 && kill -0 $$; do
  now=$(print)
  if [ "$now" != "$read" ] && nginx -s reload; then read=$now; fi
done &
exec nginx -g 'daemon off;'
"""


def front(component: str, files: Volume | None = None) -> Process:
    """The nginx container: image `nginx`, unprivileged; `files` are the private files that the web process writes."""
    return Process(
        name="nginx",
        image="nginx",
        ports=(Port("https", HTTPS_PORT),),
        command=("/bin/sh", "-c", START),
        liveness=Probe(port="https", path="/_health/", scheme="HTTPS"),
        readiness=Probe(port="https", path="/_health/", scheme="HTTPS", failures=2),
        cpu=0.05,
        memory=64,
        configured=False,
        volumes=(replace(files, read_only=True),) if files else (),
        secret_mounts=(SecretMount(certificate_secret(component), FOLDER, ("tls.crt", "tls.key")),),
        uid=101,
    )


def front_conf(port: int, files: Volume | None = None, upload: str = BODY) -> Mapping[str, Mapping[str, str]]:
    """The configuration file: end TLS, pass requests on to `port` of the pod, send private files when told to.

    The components name such files by `/private-media/`, whatever folder they are in. `upload` limits a request's body.
    Nothing is buffered in files: the pod's scratch space is small, and the web process has its own. Session tickets are
    off: their keys would live as long as nginx.
    """
    private = f"  location /private-media/ {{ internal; alias {files.path}/; }}\n" if files else ""
    text = f"""\
server {{
  listen {HTTPS_PORT} ssl;
  ssl_certificate {CERTIFICATE};
  ssl_certificate_key {KEY};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers {":".join(CIPHERS)};
  ssl_ecdh_curve X25519:prime256v1:secp384r1;
  ssl_session_tickets off;
  server_tokens off;
  client_max_body_size {upload};
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_read_timeout {REQUEST_SECONDS}s;
  proxy_send_timeout {REQUEST_SECONDS}s;
  location = /_health/ {{ access_log off; return 200 "ok"; }}
  location /_healthz/ {{ return 404; }}
{private}\
  location / {{
    proxy_pass http://127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto https;
  }}
}}
"""
    return {"nginx": {CONFIGURATION_PATH: text}}
