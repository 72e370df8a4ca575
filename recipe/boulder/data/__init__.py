"""Data sets, described in plain JSON: their streams, the order of an epoch, and batches limited by padded frames.

A class of data sets is a file of its own, imported here, which registers it. TensorFlow is imported by the first batch of
tensors.
"""

from boulder.data.automata import AUTOMATA, read_openfst, write_automata
from boulder.data.batches import Batch, Batches, form_batches, read_batch, without_empty_end
from boulder.data.chunking import Chunking
from boulder.data.chunks import cut, cut_at_random
from boulder.data.combining.combined_dataset import CombinedDataset
from boulder.data.combining.concat_dataset import ConcatDataset
from boulder.data.combining.meta_dataset import MetaDataset
from boulder.data.combining.multi_epoch_dataset import MultiEpochDataset
from boulder.data.combining.multi_proc_dataset import MultiProcDataset
from boulder.data.dataset import Dataset, dataset_class
from boulder.data.description import canonical_description, open_dataset, paths_in, with_digests
from boulder.data.feed import batches_of_epoch, default_num_workers
from boulder.data.generated.dummy_datasets import DummyDataset
from boulder.data.generated.memory_tasks import Task12AXDataset
from boulder.data.hdf.hdf_dataset import HdfDataset
from boulder.data.hdf.hdf_writer import HdfWriter
from boulder.data.of_returnn.returnn_dataset import ReturnnDataset
from boulder.data.ogg_zip_dataset import OggZipDataset
from boulder.data.option_kinds import PATHS
from boulder.data.order.sequence_order import sequence_order
from boulder.data.selection import numbers_of_drops, within_limits, without_dropped
from boulder.data.shares import share_of, share_spec, shares_of_epoch
from boulder.data.static_dataset import StaticDataset
from boulder.data.streams import Stream, default_input, read_extern_data
from boulder.data.text.lm_dataset import LmDataset
from boulder.data.text.translation_dataset import TranslationDataset

__all__ = [
    "AUTOMATA",
    "PATHS",
    "Batch",
    "Batches",
    "Chunking",
    "CombinedDataset",
    "ConcatDataset",
    "Dataset",
    "DummyDataset",
    "HdfDataset",
    "HdfWriter",
    "LmDataset",
    "MetaDataset",
    "MultiEpochDataset",
    "MultiProcDataset",
    "OggZipDataset",
    "ReturnnDataset",
    "StaticDataset",
    "Stream",
    "Task12AXDataset",
    "TranslationDataset",
    "batches_of_epoch",
    "canonical_description",
    "cut",
    "cut_at_random",
    "dataset_class",
    "default_input",
    "default_num_workers",
    "form_batches",
    "numbers_of_drops",
    "open_dataset",
    "paths_in",
    "read_batch",
    "read_extern_data",
    "read_openfst",
    "sequence_order",
    "share_of",
    "share_spec",
    "shares_of_epoch",
    "with_digests",
    "within_limits",
    "without_dropped",
    "without_empty_end",
    "write_automata",
]
