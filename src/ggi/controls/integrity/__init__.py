"""Integrity: whether a cluster holds for a landscape exactly what it should, and what anything else opens. Pure."""
