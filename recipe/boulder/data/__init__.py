"""From HDF files to batches: RETURNN's file layout, sequence orders, and batches limited by padded frames.

NumPy and h5py only. TensorFlow comes in at the very end, in `batches_of_epoch`, and is imported there.
"""

from boulder.data.batches import Batch, form_batches, read_batch
from boulder.data.feed import batches_of_epoch
from boulder.data.hdf_reader import HdfReader
from boulder.data.hdf_writer import HdfWriter
from boulder.data.sequence_order import sequence_order
from boulder.data.shares import share_of, share_spec, shares_of_epoch
from boulder.data.streams import Stream, read_extern_data

__all__ = [
    "Batch",
    "HdfReader",
    "HdfWriter",
    "Stream",
    "batches_of_epoch",
    "form_batches",
    "read_batch",
    "read_extern_data",
    "sequence_order",
    "share_of",
    "share_spec",
    "shares_of_epoch",
]
