"""What knows nothing about language models."""
