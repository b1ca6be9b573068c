"""Targets: what array programs are turned into."""
