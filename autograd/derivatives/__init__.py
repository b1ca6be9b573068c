"""The rows of the derivative table by theme, and the formulas that they compute with."""
