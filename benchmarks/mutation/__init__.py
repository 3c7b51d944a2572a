"""Mutants of the reference landscape, and which of them no control notices."""
