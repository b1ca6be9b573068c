"""The command line, `lucidgrad`: its options, the jobs that they start, and what is printed."""
