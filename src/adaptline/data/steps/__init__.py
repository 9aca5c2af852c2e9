"""Steps that make rows."""
