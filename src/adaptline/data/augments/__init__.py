"""One augmenter a file: another text per text."""
