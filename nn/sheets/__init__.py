"""Lay out pictures of networks and matrices, and write them as SVG."""
