"""Stage 2, scalars: the trace as a `ScalarProgram`, and passes from program to program that simplify it.

`program.py` has the program, `nodes.py` the kinds of its nodes, `builder.py` and `rewrite.py` what passes make new
programs with, `from_trace.py` the first program; `passes.py` lists the passes in their order.
"""
