"""A file that HDF5 can go on writing to when the disk is full.

The HDF5 library does not survive a write that fails: it tries again while closing, and then the process dies of a
segmentation fault. So it never gets to know: the file keeps the error, and its owner asks for it after each step.
"""

import io
import os
from pathlib import Path


class PatientFile(io.FileIO):
    """To be given to `h5py.File` in place of a path. After the first error, what is written is dropped."""

    def __init__(self, path: Path) -> None:
        """:raises OSError: the file cannot be made"""
        super().__init__(path, "w+")
        self.error: OSError | None = None

    def write(self, data) -> int:
        view = memoryview(data).cast("B")
        size = len(view)
        while len(view) and self.error is None:
            try:
                view = view[super().write(view) :]
            except OSError as error:
                self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def check(self) -> None:
        """:raises OSError: what went wrong so far"""
        if self.error is not None:
            raise self.error

    def sync(self) -> None:
        """
        Has everything on the disk.

        :raises OSError: what went wrong so far
        """
        self.check()
        os.fsync(self.fileno())
