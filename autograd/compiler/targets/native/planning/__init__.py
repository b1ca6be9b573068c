"""Plan the nests of loops that a program becomes, and the arrays in memory that they read and write."""
