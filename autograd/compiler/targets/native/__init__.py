"""Array programs as machine code: loops over arrays in LLVM's language, and what calls them."""
