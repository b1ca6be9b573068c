"""Straight-line code for programs with little parallel work: Python source or machine code."""
