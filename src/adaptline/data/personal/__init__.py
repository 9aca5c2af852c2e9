"""Personal data in texts: what it looks like, kind by kind, and what may stand in its place."""
