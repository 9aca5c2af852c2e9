"""One guard a file: why a prompt is not answered."""
