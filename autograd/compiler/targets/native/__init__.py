"""Array programs as machine code: loops over arrays in LLVM IR, and the code that calls them."""
