rm /etc/apt/apt.conf.d/52-ggi
