"""Pulumi: the program, its environment and tools, and what is checked against a cluster before a write."""
