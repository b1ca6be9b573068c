"""Where the arrays of loops lie in memory, and when they are freed."""
