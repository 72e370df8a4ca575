"""Writes HDF files with RETURNN's writers: `returnn_hdf_files.py FOLDER`."""

import sys
from pathlib import Path

import numpy


def main(folder):
    from returnn.datasets import init_dataset
    from returnn.datasets.hdf import HDFDatasetWriter, SimpleHDFWriter
    from returnn.log import log

    log.initialize(verbosity=[0])
    random = numpy.random.RandomState(2)

    def write(name, dtype, dim, extra=None, **options):
        """:param extra: key → (dimension or None, dtype)"""
        writer = SimpleHDFWriter(str(folder / f"{name}.hdf"), dim=dim, **options)
        for number in range(7):
            length = random.randint(1, 9)
            values = {
                key: random.randint(0, 5, (1, length) if size is None else (1, length, size)).astype(kind)
                for key, (size, kind) in (extra or {}).items()
            }
            sparse = options.get("ndim") == 1 or dim is None
            inputs = random.randint(0, 5, (1, length) if sparse else (1, length, dim)).astype(dtype)
            writer.insert_batch(inputs, [length], [f"corpus/{number}"], extra=values)
        writer.close()

    write("dense", "float32", 3)
    write("half", "float16", 3)
    write("double", "float64", 3)
    write("sparse", "uint8", None)
    write("sparse_with_dim", "int64", 9, ndim=1)
    write("labels", "int32", 5, ndim=1, labels=["a", "b", "ü", "[d]", "e e"])
    write("targets", "float32", 3, {"classes": (None, "int32"), "more": (2, "float32"), "align": (None, "uint16")})
    write("declared", "float32", 3, {"classes": (None, "int32")}, extra_type={"classes": (6, 1, "int32")})
    streams = [
        {"data": random.rand(n, 2).astype("float32"), "classes": random.randint(0, 4, n + 1).astype("int32")}
        for n in range(1, 6)
    ]
    writer = HDFDatasetWriter(str(folder / "dumped.hdf"))
    data = {"class": "StaticDataset", "data": streams, "output_dim": {"data": (2, 2), "classes": (4, 1)}}
    writer.dump_from_dataset(init_dataset(data), use_progress_bar=False)
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
