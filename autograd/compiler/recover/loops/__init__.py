"""Loops of scalars become loops over arrays."""
