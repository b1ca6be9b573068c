"""Sums of products: how they are read, and the matrix products, patches and slices that compute them."""
