"""govroam: from a network's file to hosts, groups and variables for Ansible, and what is done with them."""
