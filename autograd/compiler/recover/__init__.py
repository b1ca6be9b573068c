"""Recover arrays from scalars: nodes that do equal work become groups, which become operations on arrays.

`recover.py` lists the steps from scalars to groups; `lower.py` turns the groups into an array program.
"""
