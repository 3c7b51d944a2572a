systemctl stop chrony
