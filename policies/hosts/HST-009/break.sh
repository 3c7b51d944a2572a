chmod 0644 /etc/freeradius/govroam/secrets.conf
