"""One way to ask a model for the probability of labels a file."""
