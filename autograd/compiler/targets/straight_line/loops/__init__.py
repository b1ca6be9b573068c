"""Loops on single numbers, as Python source and as machine code."""
