"""One way to compute an answer a file."""
