#!/bin/sh
until python -c 'import os, psycopg; psycopg.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"], dbname=os.environ["DB_NAME"], user=os.environ["DB_USER"], password=os.environ["DB_PASSWORD"], connect_timeout=3).close()'; do
  sleep 1
done
