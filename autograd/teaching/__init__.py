"""Tools for teaching: `check_engine` for a student's engine, and the exercises of the walkthroughs."""
