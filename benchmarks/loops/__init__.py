"""Loops of compiled programs against loops by hand."""
