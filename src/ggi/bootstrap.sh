#!/bin/sh
# Make or mend the virtual environment: bootstrap.sh CHECKOUT LOCKFILE. Called by the start script, under its lock.
# The stamp is written last: an environment without one is a half-made one, and is made anew. One with an older stamp is
# brought up to date where it is, since other runs may be using it.
set -eu
here=$1
lock=$2
venv=$here/.venv

python=
for name in python3 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$name
    break
  fi
done
if [ -z "$python" ] && ! command -v uv >/dev/null 2>&1; then
  echo "ggi: Python 3.11 or newer is needed. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
  exit 1
fi

kind=user
[ "$lock" = "$here/requirements.txt" ] || kind=dev
if [ -x "$venv/bin/python" ] && { read -r had <"$venv/.ggi-stamp"; } 2>/dev/null; then
  echo "ggi: bringing the environment up to date (needs the network)" >&2
  if [ "$had" = dev ]; then
    kind=dev lock=$here/requirements-dev.txt
  fi
  rm -f "$venv/.ggi-stamp"
else
  echo "ggi: preparing the environment (once; needs the network)" >&2
  rm -rf "$venv"
fi
# As in ggi.engine.net: SSL_CERT_FILE is the one name for what is trusted; uv reads it, pip has another one.
if [ -n "${SSL_CERT_FILE-}" ]; then
  export PIP_CERT="${PIP_CERT-$SSL_CERT_FILE}"
fi
if command -v uv >/dev/null 2>&1; then
  [ -x "$venv/bin/python" ] || uv venv --quiet ${python:+--python "$python"} "$venv" >&2
  uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock" >&2
else
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" >&2 || {
    echo "ggi: the module venv does not work. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
  }
  # The lock twice: as what is wanted, and as a limit. Without the limit pip looks for the newest version of what a package
  # wants with an extra (`pydantic[email]`), and fails on its missing hash (pypa/pip#9644).
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r "$lock" -c "$lock" >&2
fi
# The library and the checkout's own packages are found by a .pth file.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n%s\n' "$here/src" "$here" >"$site/ggi.pth"
"$venv/bin/python" -m compileall -q -j 0 "$venv/lib" "$here/src" "$here/sandbox" >/dev/null 2>&1 || true
echo "$kind" >"$venv/.ggi-stamp"
