"""Write loop nests in LLVM IR."""
