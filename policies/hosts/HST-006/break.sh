sed -i 's/maxage .*/maxage 7/' /etc/logrotate.d/freeradius
