"""Translators: one a file, each with `translate(texts, source, target)`."""
