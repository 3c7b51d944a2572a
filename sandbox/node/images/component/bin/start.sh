#!/bin/sh
set -e
/wait_for_db.sh
# As the images do at each start; the Job has done it before.
python src/manage.py migrate --noinput
exec gunicorn --bind 0.0.0.0:8000 --workers "${UWSGI_PROCESSES:-2}" --threads "${UWSGI_THREADS:-2}" \
  --worker-tmp-dir /tmp --timeout "${UWSGI_HARAKIRI:-60}" --access-logfile - standin.wsgi
