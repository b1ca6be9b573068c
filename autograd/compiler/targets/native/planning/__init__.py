"""Which nests of loops a program is, and the arrays in memory that they read and write."""
