"""`DumpHdfJob`: any data set that can be read, as HDF files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boulder.counted import counted
from jobs.experiment import Data
from jobs.network_pass import whole_data
from jobs.rqmt import with_defaults
from sisyphus import Job, Task


class DumpHdfJob(Job):
    """
    Writes all streams, tags and names of classes of a data set. The files are a data set in the order of the input:
    `train_data=dump.out_hdf`.

    Outputs:
        out_hdf: HDF files in RETURNN's layout, one for each shard

    Hash: everything but `rqmt`. Arguments at the defaults of `__sis_hash_exclude__` do not enter it.
    """

    __sis_hash_exclude__ = {"extern_data": None, "shards": 1}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(
        self, *, data: Data, extern_data: dict | None = None, shards: int = 1, rqmt: dict | None = None
    ) -> None:
        """
        :param data: description of the data set, or paths of HDF files
        :param extern_data: gives numbers of classes that the data set does not know
        :param shards: number of files
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.data = whole_data(data)
        self.extern_data = extern_data
        self.rqmt = with_defaults(rqmt, self, {"gpu": 0, "cpu": 2, "mem": 4, "time": 4})

        self.out_hdf = [self.output_path(f"data.{number:03d}.hdf") for number in range(shards)]

    def tasks(self) -> Iterator[Task]:
        yield Task("run", resume="run", rqmt=self.rqmt)

    def run(self) -> None:
        from boulder.data import open_dataset
        from boulder.data.hdf.hdf_copy import copy_to_hdf

        with open_dataset(self.data) as dataset:
            dataset.check()
            count = copy_to_hdf(dataset, [path.get_path() for path in self.out_hdf], self.extern_data)
        print(f"{counted(count, 'sequence')} written")

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        computed = {key: value for key, value in kwargs.items() if key != "rqmt"}
        return super().hash(computed | {"data": whole_data(kwargs["data"])})
