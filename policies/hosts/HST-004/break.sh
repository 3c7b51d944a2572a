sed -i 's/tls_min_version = .*/tls_min_version = "1.0"/' /etc/freeradius/govroam/modules.conf
