"""Stage 1, trace: run the function on Values of its examples, then verify the graph by runs on other numbers.

The recorded graph is the program. The files, in the order of use: `tracing` records one run, `retrace` compares it with
runs on other numbers, `randomness` detects random draws, `rule_state` detects rules of primitives that read mutable
state, `source_lines` finds the user's line for an error message; `signature` and `results` convert between the user's
structures and arrays with one row per sample; `diagnose` explains a result that is not finite.
"""
