sed -i 's/auth_badpass = .*/auth_badpass = yes/' /etc/freeradius/govroam/radiusd.conf
