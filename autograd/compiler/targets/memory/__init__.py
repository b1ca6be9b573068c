"""Plan the memory of loops' arrays: layout, sharing, and freeing."""
