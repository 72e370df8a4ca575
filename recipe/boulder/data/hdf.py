"""RETURNN's HDF layout: `HdfWriter` writes it, `HdfReader` reads it. The layout is told in `hdf_writer`."""

from boulder.data.hdf_reader import HdfReader
from boulder.data.hdf_writer import HdfWriter

__all__ = ["HdfReader", "HdfWriter"]
