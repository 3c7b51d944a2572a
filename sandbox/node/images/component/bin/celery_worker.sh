#!/bin/bash
# The worker of the images: one queue, as many tasks at once as CELERY_WORKER_CONCURRENCY says.
set -euo pipefail
/wait_for_db.sh
read -r module _ pool < <(cd src && python -m standin)
queue="${CELERY_WORKER_QUEUE:-celery}"
options=("-c${CELERY_WORKER_CONCURRENCY:-1}")
if [ "$pool" = threads ]; then options+=(--pool=threads); else options+=(--max-tasks-per-child=50); fi
exec celery --app "$module.celery" --workdir src worker -Q "$queue" -n "${CELERY_WORKER_NAME:-$queue@%n}" \
  -l "${CELERY_LOGLEVEL:-INFO}" -O fair -E "${options[@]}"
