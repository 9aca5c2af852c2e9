"""One transform a file: a new text per text."""
