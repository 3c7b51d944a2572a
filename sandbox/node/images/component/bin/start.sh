#!/bin/sh
# The web process of the images: wait for the database, migrate, serve on port 8000 with uWSGI.
set -e
/wait_for_db.sh
OTEL_SDK_DISABLED=True python src/manage.py migrate --noinput -v0
export UWSGI_PROCESSES="${UWSGI_PROCESSES:-4}" UWSGI_THREADS="${UWSGI_THREADS:-4}" UWSGI_MAX_REQUESTS="${UWSGI_MAX_REQUESTS:-1000}"
exec uwsgi --strict --http :8000 --http-keepalive --manage-script-name --mount /=standin.wsgi:application \
  --static-map /static=/app/static --static-map /media=/app/media --chdir src --enable-threads --master \
  --single-interpreter --die-on-term --need-app --buffer-size=65535
