"""`PatientFile`: a file that hides write errors from the HDF5 library.

After a failed write, HDF5 writes again while closing the file and crashes with a segmentation fault. This file therefore
stores the error and reports success. Its owner checks for the error after each step.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class PatientFile(io.FileIO):
    """Passed to `h5py.File` in place of a path. Drops all writes after the first error."""

    def __init__(self, path: Path) -> None:
        """:raises OSError: if the file cannot be created"""
        super().__init__(path, "w+")
        self.error: OSError | None = None

    def write(self, data: Buffer) -> int:
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
        """:raises OSError: the first error so far"""
        if self.error is not None:
            raise self.error
