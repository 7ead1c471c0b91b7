"""The rooms of the lifecycle, independent of each other."""
