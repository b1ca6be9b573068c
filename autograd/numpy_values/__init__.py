"""Values in NumPy: its functions and arrays of them."""
