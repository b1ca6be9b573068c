"""Targets, to which array programs are compiled."""
