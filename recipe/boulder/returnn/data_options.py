"""The verdict on each option of RETURNN's data sets: `data_verdict`."""

from __future__ import annotations

from boulder.data.dataset import Dataset
from boulder.returnn.verdicts import HONOURED, Verdict, refused, table, without_effect

CHUNKING = {"chunking": None, "min_chunk_size": None, "chunking_variance": 0.0}
"""Options of a data set in RETURNN that are training options here → their defaults."""

_ROWS = table(
    without_effect("a name for messages", "name"),
    without_effect("caches of RETURNN", "cache_byte_size", "use_cache_manager"),
    without_effect("it changes only the progress that RETURNN prints", "estimated_num_seqs"),
    without_effect("RETURNN does not use it any more", "data_dtypes"),
    refused("Boulder does not support it yet", "window", "context_window", unless=(0, 1)),
    refused("Boulder does not support it yet", "shuffle_frames_of_nseqs", unless=(0,)),
    refused("Boulder reads no lexicon of phonemes here", "phone_info"),
    refused("Boulder reads no lexicon of phonemes here", "add_random_phone_seqs", unless=(0,)),
    refused("it leaves out data, to look for errors", "_debug_limit_line_count"),
    refused("RETURNN itself fails with it", "seq_list_file"),  # of `TranslationDataset`
    refused("the class has its own", "input_dim", "output_dim"),
    without_effect("RETURNN passes it on to its own processes", "_meta_info_cache"),
    refused("Boulder shares batches among GPUs by itself", "_num_shards", unless=(1,)),
    refused("Boulder shares batches among GPUs by itself", "_shard_index", unless=(0,)),
    honoured=("class", *CHUNKING),
)


def data_verdict(cls: type[Dataset], option: str) -> Verdict | None:
    """
    :param cls: class in Boulder
    :param option: in RETURNN's description of a data set of this class
    :return: None for an option that no class has
    """
    return HONOURED if option in cls.options() else _ROWS.get(option)
