"""Sums of products: collected from chains of additions, merged, split where they go on, and completed."""
