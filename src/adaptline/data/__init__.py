"""Raw text in, training rows out."""
