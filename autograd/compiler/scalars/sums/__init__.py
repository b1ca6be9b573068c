"""Sums of products: collected from chains of additions, merged, split if they continue others, and completed."""
