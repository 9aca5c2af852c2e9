"""Many adapters over one frozen base, the rows of a batch each with its own."""
