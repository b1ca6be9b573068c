"""Stage 1, trace: run the function on Values of its examples, and again on other numbers to be sure.

The recorded graph is the program. The files, in the order in which they are needed: `tracing` records one run,
`retrace` compares it with runs on other numbers, `randomness` detects random draws, `rule_state` detects rules of
primitives that read mutable state, `source_lines` finds the user's line for an error message; `signature` and `results`
convert between what users pass and get and arrays of one row a sample; `diagnose` explains a result that is not finite.
"""
