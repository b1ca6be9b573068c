"""Tools that know nothing of derivatives: files, locks, the garbage collector, optional libraries, helpful errors."""
