"""One matcher a file: rows that are the same, by a model."""
