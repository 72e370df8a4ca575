"""From the scores of a network to label sequences, and from those to error rates. NumPy and rapidfuzz only."""

from boulder.search.ctc import greedy, greedy_batch
from boulder.search.error_rate import ErrorRates, WordRecord, best_reference, score

__all__ = ["ErrorRates", "WordRecord", "best_reference", "greedy", "greedy_batch", "score"]
