sed -i 's/require_message_authenticator = yes/require_message_authenticator = no/' /etc/freeradius/govroam/clients.conf
