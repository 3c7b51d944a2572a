echo 'APT::Periodic::Unattended-Upgrade "0";' > /etc/apt/apt.conf.d/52-ggi
