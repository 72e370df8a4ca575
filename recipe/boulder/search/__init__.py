"""Search for labels in the output of a network, and error rates. NumPy and rapidfuzz only."""

from boulder.search.ctc import greedy, greedy_batch
from boulder.search.error_rate import ErrorRates, WordRecord, best_reference, score

__all__ = ["ErrorRates", "WordRecord", "best_reference", "greedy", "greedy_batch", "score"]
