"""Alignments of sequences to automata, and the costs that follow from them."""
