"""Data sets that RETURNN's own package reads, in a process of its own."""
