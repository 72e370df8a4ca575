"""Data sets whose sequences are generated rather than read."""
