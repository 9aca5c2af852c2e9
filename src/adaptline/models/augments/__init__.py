"""Augmenters that need a translator or another model: one a file."""
