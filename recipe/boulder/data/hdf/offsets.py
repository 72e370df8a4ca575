"""`Offsets`: where each of many sequences lies among the frames of all of them."""

import numpy as np

_BLOCK = 32  # sequences between two sums that are kept


class Offsets:
    """
    Prefix sums of lengths. One sum of 32 is kept, so that they need little memory beside the lengths.

    :param lengths: int32 [N]
    """

    def __init__(self, lengths: np.ndarray) -> None:
        self.lengths = lengths
        whole = len(lengths) // _BLOCK * _BLOCK
        sums = lengths[:whole].reshape(-1, _BLOCK).sum(axis=1, dtype="int64")
        self._sums = np.concatenate([[0], sums, [lengths[whole:].sum(dtype="int64")]]).cumsum()

    @property
    def total(self) -> int:
        """Number of frames of all sequences."""
        return int(self._sums[-1])

    def of(self, seqs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        :param seqs: int64 [B]
        :return: the first frame of each sequence, and the frame after its last one, int64 [B] each
        """
        block, number = np.divmod(seqs, _BLOCK)
        before = np.arange(_BLOCK - 1)
        positions = np.minimum((block * _BLOCK)[:, None] + before, len(self.lengths) - 1)  # [B, 31]
        within = np.where(before < number[:, None], self.lengths[positions], 0)
        starts = self._sums[block] + within.sum(axis=1, dtype="int64")
        return starts, starts + self.lengths[seqs]
