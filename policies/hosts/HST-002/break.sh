echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/10-ggi.conf
