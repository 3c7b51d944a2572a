"""Stands in for a real platform on one machine. Only the command line and the tests use it; see README.md."""
