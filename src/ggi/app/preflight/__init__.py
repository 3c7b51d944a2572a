"""Whether a cluster has what its landscapes need, before the first update: read, and tried with short-lived pods."""
