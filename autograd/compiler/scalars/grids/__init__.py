"""Dynamic programs on grids, as loops over their antidiagonals."""
