import random

import h5py
import numpy

from sisyphus import Job, Task


class FramesJob(Job):
    """Writes sequences of frames and their labels in RETURNN's HDF layout."""

    def __init__(self, num_seqs):
        self.num_seqs = num_seqs
        self.out_hdf = self.output_path("data.hdf")
        self.out_dim = self.output_var("dim")

    def tasks(self):
        yield Task("run", mini_task=True)

    def run(self):
        numbers = numpy.random.default_rng(self.num_seqs)
        lengths = [random.Random(i).randrange(4, 12) for i in range(self.num_seqs)]
        frames = numbers.normal(size=[sum(lengths), 5]).astype("float32")
        labels = (frames[:, 0] > 0).astype("int32")
        text = h5py.special_dtype(vlen=str)
        with h5py.File(self.out_hdf.get_path(), "w") as file:
            file.attrs["inputPattSize"], file.attrs["numDims"] = 5, 1
            file.attrs["numLabels"], file.attrs["numSeqs"] = 2, self.num_seqs
            file.attrs["numTimesteps"] = sum(lengths)
            file["inputs"] = frames
            file["seqLengths"] = numpy.array([[n, n] for n in lengths], "int32")
            file.create_dataset("seqTags", data=[f"seq-{i}" for i in range(self.num_seqs)], dtype=text)
            file["targets/data/classes"] = labels
            file.create_group("targets/size").attrs["classes"] = numpy.array([2, 1])
            file.create_dataset("targets/labels/classes", data=["low", "high"], dtype=text)
        self.out_dim.set(5)
