"""Pictures of networks and of matrices, laid out and written as SVG."""
