"""Utilities unrelated to derivatives: files, locks, the garbage collector, optional libraries, helpful errors."""
