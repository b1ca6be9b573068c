"""Triangular work, as in elimination, substitution and Cholesky's algorithm, as loops over rows."""
