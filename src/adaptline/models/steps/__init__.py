"""Steps that make weights."""
