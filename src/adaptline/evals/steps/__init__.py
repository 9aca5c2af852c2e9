"""Steps that make reports."""
