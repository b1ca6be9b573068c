"""The `lucidgrad` command line: its options, jobs and printed output."""
