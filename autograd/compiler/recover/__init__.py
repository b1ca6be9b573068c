"""Recover arrays from scalars: equal work becomes groups, which become operations on arrays."""
