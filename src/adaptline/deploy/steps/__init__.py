"""Steps that make what can go into production."""
