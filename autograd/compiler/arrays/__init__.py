"""Array programs: operations on n-dimensional arrays, which print, verify and evaluate themselves."""
