"""Give arrays their axes: from arrays of a row a sample, which are reshaped where they are read, to (n, T, d).

`divisions.py` decides into which axes each array is divided, `rewrite.py` writes the program of arrays with these.
"""
