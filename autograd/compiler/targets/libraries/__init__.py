"""Array programs as operations of other libraries of arrays, PyTorch and JAX."""
