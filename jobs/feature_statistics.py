"""`FeatureStatisticsJob`: mean and standard deviation of features, for their normalisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.experiment import Data
from jobs.network_pass import whole_data
from sisyphus import Job, Task


class FeatureStatisticsJob(Job):
    """
    Computes the mean and the standard deviation of each feature over all frames of a data set.

    Outputs:
        out_mean, out_std_dev: a number in each line; `norm_mean` and `norm_std_dev` of audio features read them

    Hash: `data` and `key`.
    """

    def __init__(self, *, data: Data, key: str = "data") -> None:
        """
        :param data: description of the data set, or paths of HDF files
        :param key: stream of the features
        """
        self.data = whole_data(data)
        self.key = key

        self.out_mean = self.output_path("mean.txt")
        self.out_std_dev = self.output_path("std_dev.txt")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        import numpy

        from boulder.data import open_dataset
        from boulder.data.statistics import feature_statistics

        with open_dataset(self.data) as dataset:
            mean, deviation = feature_statistics(dataset, self.key)
        numpy.savetxt(self.out_mean.get_path(), mean)
        numpy.savetxt(self.out_std_dev.get_path(), deviation)
        print(f"{len(mean)} features: mean {mean.mean():.4g}, standard deviation {deviation.mean():.4g}, on average")

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        return super().hash({**kwargs, "data": whole_data(kwargs["data"])})
