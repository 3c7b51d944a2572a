#!/bin/sh
set -e
mkdir -p /app/tmp
exec celery --workdir src --app standin.celery beat --loglevel "${CELERY_LOGLEVEL:-INFO}" --schedule /tmp/celerybeat \
  --pidfile=
