"""Data sets that consist of other data sets."""
