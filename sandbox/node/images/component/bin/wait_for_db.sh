#!/bin/sh
# Waits until the database answers, as pg_isready does in the images (PQping; no password is needed).
set -e
until python -c '
import os, sys
from psycopg.pq import PGconn, Ping
where = "host={} port={}".format(os.environ.get("DB_HOST", "db"), os.environ.get("DB_PORT", "5432"))
sys.exit(PGconn.ping(where.encode()) != Ping.OK)
'; do
  echo "Waiting for database connection..." >&2
  sleep 1
done
echo "Database is up." >&2
