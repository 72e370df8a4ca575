"""`HdfRows`: the same rows as h5py reads, whichever way the file is laid out."""

import h5py
import numpy as np
import pytest

from boulder.data.hdf.hdf_rows import HdfRows

ROWS = 5000
DENSE = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32")
LAYOUTS = {
    "contiguous": (DENSE, {}, True),
    "one number per row": (DENSE[:, 0], {}, True),
    "integers": (np.arange(ROWS, dtype="int64"), {"chunks": (700,)}, True),
    "big-endian": (DENSE.astype(">f8"), {}, True),
    "half floats": (DENSE.astype("float16"), {"chunks": (999, 4)}, True),
    "extendible": (DENSE, {"chunks": (1024, 4), "maxshape": (None, 4)}, True),
    "compressed": (DENSE, {"compression": "gzip"}, False),
    "a checksum for each chunk": (DENSE, {"fletcher32": True}, False),
    "tiles of columns": (DENSE, {"chunks": (1024, 2)}, True),
    "tiles with a rest of rows and columns": (DENSE, {"chunks": (900, 3)}, True),
    "tiles wider than the array": (DENSE, {"chunks": (900, 5), "maxshape": (None, None)}, True),
    "one tile": (DENSE, {"chunks": (ROWS, 4)}, True),
    "small chunks": (DENSE, {"chunks": (8, 4)}, False),
    "truth values": (DENSE[:, 0] > 0, {}, False),
    "no rows": (DENSE[:0], {}, False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_those_of_the_hdf5_library(layout, tmp_path):
    array, options, is_direct = LAYOUTS[layout]
    path = tmp_path / "rows.hdf"
    with h5py.File(path, "w") as file:
        file.create_dataset("before", data=np.arange(17))
        file.create_dataset("rows", data=array, **options)
    with h5py.File(path) as file:
        rows = HdfRows(file["rows"])
        size = len(array)
        for start, stop in [
            (0, size),
            (0, 0),
            (size, size),
            (3, min(size, 2500)),
            (size // 3, size),
            (size // 2, size // 2 + 5),
        ]:
            found, expected = rows.read(start, stop), file["rows"][start:stop]
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes()
        assert (rows._tiles is not None) == is_direct
        rows.close()


def test_tiles_that_do_not_lie_side_by_side_in_the_file(tmp_path):
    with h5py.File(tmp_path / "rows.hdf", "w") as file:
        tiled = file.create_dataset("rows", DENSE.shape, "float32", chunks=(1024, 2))
        for column in (2, 0):  # so that their tiles are written first
            tiled[:, column : column + 2] = DENSE[:, column : column + 2]
    with h5py.File(tmp_path / "rows.hdf") as file:
        rows = HdfRows(file["rows"])
        for start, stop in [(0, ROWS), (1000, 1100), (4000, ROWS)]:
            assert (rows.read(start, stop) == DENSE[start:stop]).all()
        rows.close()


def test_a_link_to_an_array_of_another_file_is_followed(tmp_path):
    with h5py.File(tmp_path / "rows.hdf", "w") as file:
        file["rows"] = DENSE
    with h5py.File(tmp_path / "links.hdf", "w") as file:
        file["before"] = np.arange(ROWS * 4.0)
        file["rows"] = h5py.ExternalLink("rows.hdf", "rows")
    with h5py.File(tmp_path / "links.hdf") as file:
        rows = HdfRows(file["rows"])
        assert (rows.read(7, 99) == DENSE[7:99]).all()
        rows.close()


def test_a_file_that_another_one_replaces_is_read_as_it_was_opened(tmp_path):
    for name, array in (("rows.hdf", DENSE), ("other.hdf", DENSE + 1)):
        with h5py.File(tmp_path / name, "w") as file:
            file["rows"] = array
    with h5py.File(tmp_path / "rows.hdf") as file:
        rows = HdfRows(file["rows"])
        (tmp_path / "other.hdf").replace(tmp_path / "rows.hdf")
        assert (rows.read(0, ROWS) == DENSE).all()
        rows.close()


def test_rows_that_were_never_written_are_read_by_the_library(tmp_path):
    with h5py.File(tmp_path / "rows.hdf", "w") as file:
        file.create_dataset("rows", (ROWS, 4), "float32", chunks=(1024, 4), fillvalue=7)[2000:2010] = 1
    with h5py.File(tmp_path / "rows.hdf") as file:
        found = HdfRows(file["rows"]).read(1990, 2005)
    assert (found == np.where(np.arange(1990, 2005) < 2000, 7, 1)[:, None]).all()


def test_a_file_that_was_cut_off_is_an_error(tmp_path):
    with h5py.File(tmp_path / "rows.hdf", "w") as file:
        file["rows"] = DENSE
    with h5py.File(tmp_path / "rows.hdf") as file:
        rows = HdfRows(file["rows"])
        with open(tmp_path / "rows.hdf", "r+b") as raw:
            raw.truncate(file["rows"].id.get_offset() + 100 * rows.row_bytes + 3)
        assert (rows.read(0, 100) == DENSE[:100]).all()
        with pytest.raises(OSError, match="the file ends before byte"):
            rows.read(90, 200)
        rows.close()
