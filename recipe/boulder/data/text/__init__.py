"""Data sets that make labels of lines of text."""
