"""Give arrays their real axes: (n, T, d) in place of one row per sample that every reader reshapes.

`divisions.py` decides which axes each array is divided into, and `rewrite.py` rewrites the program with these.
"""
