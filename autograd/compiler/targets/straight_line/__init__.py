"""Straight-line code, for programs with little to do side by side: Python source, or machine code."""
