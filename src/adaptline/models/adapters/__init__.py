"""One way to make a base trainable a file."""
