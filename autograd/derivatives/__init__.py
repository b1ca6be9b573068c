"""The rows of the derivative table by theme, and the formulas they use."""
