"""Tools for teaching: `check_engine` for an engine of one's own, and the exercises of the walkthroughs."""
