"""Test hosts: Debian 13 with systemd in containers on this machine, for govroam servers and what is around them."""
