"""Find loops in programs of scalars: operations that repeat with a period, and carry numbers from step to step.

`find.py` is the pass, `repeat.py` the primitive that a loop becomes.
"""
