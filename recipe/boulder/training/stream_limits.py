"""Whether limits of lengths name streams that exist, as far as this is known before data is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from boulder.data import Chunking
from boulder.data.batches import check_limits
from boulder.errors import DataError, nearest
from boulder.training.training_options import TrainingOptions

_LIMITS = {"batch_size": 1, "max_pad_size": 0, "max_seq_length": 0, "min_seq_length": 0}
"""option → its smallest value"""

_NEVER_EMPTY = ("batch_size", "max_pad_size")  # 0 or {} is no limit for the others


def check_stream_limits(
    options: TrainingOptions, extern_data: Collection[str], of_data: Collection[str] | None
) -> None:
    """
    :param extern_data: streams of the network
    :param of_data: streams of the data to train on; None: they are not known. Then only a name that is nearly that of another
        stream is an error; the job finds others
    :raises DataError: for a limit of an unknown stream, or a wrong value
    """
    streams = [*extern_data, *(key for key in of_data or () if key not in extern_data)]
    for name, limits in _given(options):
        further = [key for key in limits if key not in streams] if isinstance(limits, Mapping) else []
        for key in further:
            if of_data is not None or nearest(key, streams):
                raise DataError(f"{name}: found stream {key!r}, expected {', '.join(streams)}{nearest(key, streams)}")
        if name in _LIMITS and (limits or name in _NEVER_EMPTY):
            check_limits(limits, [*streams, *further], name, _LIMITS[name])


def _given(options: TrainingOptions) -> Iterator[tuple[str, object]]:
    yield from ((name, getattr(options, name)) for name in _LIMITS)
    chunking = Chunking.parse(options.chunking, options.min_chunk_size)
    if chunking is not None:
        yield from (("chunking", chunking.size), ("min_chunk_size", chunking.min_size))
