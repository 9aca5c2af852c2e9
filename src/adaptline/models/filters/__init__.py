"""One filter a file: a score per text, by a model."""
