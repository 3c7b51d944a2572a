#!/bin/bash
# The scheduler of the images that have one. Open Zaak keeps its schedule in the database; here it is a file.
set -euo pipefail
read -r module beat _ < <(cd src && python -m standin)
if [ "$beat" != beat ]; then echo "the image of $module has no /celery_beat.sh" >&2; exit 127; fi
/wait_for_db.sh
schedule=/app/celerybeat
[ "$module" = openzaak ] && schedule=/app/tmp
mkdir -p "$schedule"
exec celery --app "$module.celery" --workdir src beat -l "${CELERY_LOGLEVEL:-INFO}" -s "$schedule/beat" --pidfile=
