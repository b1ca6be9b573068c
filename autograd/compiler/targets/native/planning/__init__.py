"""Plan a program's loop nests, and the arrays in memory that they read and write."""
