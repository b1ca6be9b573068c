"""Nests of loops in LLVM's language."""
