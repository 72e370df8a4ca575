"""`Offsets`: the frames of each sequence."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from boulder.data.hdf.offsets import Offsets


@given(lengths=st.lists(st.integers(0, 9), max_size=120), seed=st.integers(0, 3))
def test_a_sequence_starts_where_those_before_it_end(lengths, seed):
    offsets = Offsets(np.array(lengths, "int32"))
    ends = np.cumsum([0, *lengths])
    assert offsets.total == ends[-1]
    seqs = np.random.default_rng(seed).permutation(len(lengths))[:50]
    starts, stops = offsets.of(seqs)
    assert starts.tolist() == ends[seqs].tolist()
    assert stops.tolist() == ends[seqs + 1].tolist()


def test_sums_beyond_32_bits():
    offsets = Offsets(np.full(70, 2**30, "int32"))
    assert [ends.tolist() for ends in offsets.of(np.array([69]))] == [[69 * 2**30], [70 * 2**30]]
