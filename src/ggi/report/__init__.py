"""Readers of a landscape that draw or print it."""
