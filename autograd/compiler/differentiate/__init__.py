"""Reverse-mode differentiation of array programs: the derivative table, and a transpose rule for each kind."""
