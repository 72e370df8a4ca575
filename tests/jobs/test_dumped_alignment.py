"""The alignment that a search within training finds is dumped by one job, and the next one trains on it."""

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from tests.jobs.conftest import ROOT, make_project

STREAMS = {"data": {"dim": 6}, "classes": {"dim": 5, "sparse": True}}
SETUP = ROOT / "tests/setups/latent_alignment/latent_alignment.config"


def write_data(file) -> dict[str, int]:
    """:return: tag → number of labels"""
    rng = np.random.default_rng(1)
    sizes = {f"seq-{seq}": int(rng.integers(2, 6)) for seq in range(12)}
    with HdfWriter(file, STREAMS) as writer:
        for tag, labels in sizes.items():
            frames = rng.normal(size=(6 * labels, 6)).astype("float32")
            writer.write(tag, {"data": frames, "classes": rng.integers(1, 5, labels).astype("int32")})
    return sizes


@pytest.mark.slow
def test_the_setup_latent_alignment_trains_on_what_it_has_found(tmp_path):
    made = make_project(tmp_path / "project", tmp_path, BOULDER_ENGINE="local")
    (made.folder / "config/returnn.py").symlink_to(ROOT / "config/returnn.py")
    (made.folder / SETUP.name).write_text(SETUP.read_text())
    sizes = write_data(made.folder / "train.hdf")
    code, output = made.run("boulder", "run", f"config/returnn.setup('{SETUP.name}', cpu=1)")
    assert code == 0, output
    folder = made.folder / "output/latent_alignment"
    assert {path.name for path in (folder / "hdf").iterdir()} == {"steps.2.train.hdf", "steps.3.train.hdf"}
    with open_dataset(folder / "hdf/steps.3.train.hdf") as dataset:
        tags = dataset.tags(range(dataset.num_seqs))
        steps = dict(zip(tags, (dataset.read(seq)["data"] for seq in range(dataset.num_seqs)), strict=True))
    assert {tag: len(values) for tag, values in steps.items()} == sizes
    assert {*np.concatenate([*steps.values()])} <= {*range(4)}
    assert made.checkpoint("latent_alignment")
