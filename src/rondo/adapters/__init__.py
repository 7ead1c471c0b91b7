"""Products, one folder each; each knows ports and records only."""
