"""NumPy support: NumPy functions of Values, and arrays of Values."""
