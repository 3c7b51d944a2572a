#!/bin/sh
set -e
mkdir -p /app/tmp
exec celery --workdir src --app standin.celery worker --loglevel "${CELERY_LOGLEVEL:-INFO}" \
  --concurrency "${CELERY_WORKER_CONCURRENCY:-2}" --hostname "celery@${HOSTNAME}"
