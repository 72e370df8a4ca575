"""`boulder data` shows what a data set holds, in narrow terminals and pipes, and what it lacks for a RETURNN config."""

import io
import zipfile

import numpy as np
import pytest
from rich.console import Console

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import HdfWriter
from boulder.errors import BoulderError
from tests.tiny import EXTERN_DATA

CONFIG = f"""#!rnn.py
extern_data = {EXTERN_DATA | {"unread": {"dim": 9}}!r}
train = {{"class": "HDFDataset", "files": ["train.hdf"]}}
dev = {{"class": "StaticDataset", "data": [{{"data": [1, 2], "classes": [0]}}], "output_dim": {{"data": (6, 1), "classes": (5, 1)}}}}
network = {{"output": {{"class": "softmax", "loss": "ctc", "from": "data"}}}}
"""


@pytest.fixture
def shown(data, tmp_path, monkeypatch):
    """:return: function (file, arguments) → exit code and lines"""
    from jobs.commands.show_data import show_data

    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.config").write_text(CONFIG)
    for name in ("train", "dev"):
        (tmp_path / f"{name}.hdf").symlink_to(data / f"{name}.hdf")

    def show(file: str, width: int = 60, **arguments) -> tuple[int, list[str]]:
        text = io.StringIO()
        code = show_data(file, Console(file=text, width=width), **arguments)
        return code, text.getvalue().splitlines()

    return show


def test_an_hdf_file_shows_streams_lengths_and_tags(shown):
    code, lines = shown("train.hdf")
    assert code == 0
    assert lines[:4] == ["30 sequences", "  train-0", "  train-1", "  train-2"]
    assert "data: sparse labels [T] of dimension 6, int32" in lines
    assert max(map(len, lines)) <= 60
    bars = [line.split() for line in lines if "#" in line]
    assert [bar[0] for bar in bars] == ["2", "3", "4"] * 2
    assert sum(int(bar[1]) for bar in bars) == 60


def test_a_wide_range_of_lengths_has_ten_bars_of_which_the_longest_fills_the_line(shown, tmp_path):
    with HdfWriter(tmp_path / "wide.hdf", {"data": {"dim": 2}}) as writer:
        for i, length in enumerate([*range(0, 1000, 7), *[999] * 50]):
            writer.write(f"seq-{i}", {"data": np.zeros((length, 2))})
    for width in (60, 90):
        bars = [line for line in shown("wide.hdf", width)[1] if "–" in line]
        assert len(bars) == 10
        assert width - 3 <= max(map(len, bars)) <= width


def test_data_is_compared_with_the_streams_that_a_config_reads(shown, tmp_path):
    assert shown("train.hdf", config="my.config")[1][-1] == "has all that my.config reads"
    with HdfWriter(tmp_path / "other.hdf", {"data": {"dim": 7, "sparse": True}}) as writer:
        writer.write("seq", {"data": np.array([6])})
    code, lines = shown("other.hdf", config="my.config")
    assert code == 1
    assert lines[-2:] == [
        "other.hdf: 'data' holds sparse labels [T] of dimension 7, expected sparse labels [T] of dimension 6",
        "lacks 'classes': found data, expected sparse labels [T] of dimension 5",
    ]


def test_lengths_that_a_network_cannot_compare_and_data_without_sequences_are_named(shown, tmp_path):
    framewise = CONFIG.replace('"ctc"', '"ce", "target": "classes"')
    (tmp_path / "frames.config").write_text(framewise)
    for name, lengths in (("differing.hdf", [(2, 2), (3, 2)]), ("empty.hdf", [])):
        with HdfWriter(tmp_path / name, EXTERN_DATA) as writer:
            for number, (data, classes) in enumerate(lengths):
                writer.write(f"seq-{number}", {"data": np.zeros(data, int), "classes": np.zeros(classes, int)})
    code, lines = shown("differing.hdf", config="frames.config")
    assert (code, lines[-1]) == (
        1,
        "sequence 'seq-1': layer 'output': 3 frames along time:data, 2 along time:classes, expected as many",
    )
    code, lines = shown("empty.hdf", config="frames.config")
    assert (code, lines[-1]) == (1, "has no sequences")


def test_a_config_shows_its_data_sets(shown):
    code, lines = shown("my.config")
    assert (code, lines[0], lines[-1]) == (0, "30 sequences", "has all that my.config reads")
    assert shown("my.config", data="dev")[1][0] == "1 sequence"


@pytest.mark.parametrize(
    ("file", "arguments", "message"),
    [
        ("no.hdf", {}, "data 'no.hdf': there is no such file, expected an HDF file, a zip file of recordings or"),
        ("trian.hdf", {}, "data 'trian.hdf': there is no such file, .*; did you mean 'train.hdf'"),
        (".", {}, "data '.': is a folder, expected an HDF file, a zip file of recordings or a RETURNN config"),
        ("text.hdf", {}, "data 'text.hdf': the file is not what its name says, or is damaged; expected an HDF file"),
        ("my.config", {"data": "trian"}, "found 'trian', which is no data set of the config, .*did you mean 'train'"),
        (
            "train.hdf",
            {"data": "dev"},
            "--data dev: names a data set of a RETURNN config, but train.hdf is an HDF file",
        ),
        ("train.hdf", {"config": "no.config"}, "no.config: found no such file, expected a RETURNN config"),
        ("broken.hdf", {}, "broken.hdf: not a readable HDF file, perhaps truncated"),
        ("empty.zip", {}, "empty.zip"),
    ],
)
def test_bad_input_is_an_error_of_one_line(shown, data, tmp_path, file, arguments, message):
    (tmp_path / "text.hdf").write_text("hello")
    (tmp_path / "broken.hdf").write_bytes((data / "train.hdf").read_bytes()[:3000])
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("nothing", "")
    with pytest.raises(BoulderError, match=message) as raised:
        shown(file, **arguments)
    assert "\n" not in str(raised.value)


def test_a_zip_file_of_recordings_is_shown_by_the_command(project):
    from boulder.data.audio.ogg_zip_writer import recordings_in, write_ogg_zip

    soundfile = pytest.importorskip("soundfile")
    (project.folder / "audio").mkdir()
    soundfile.write(project.folder / "audio/one.wav", np.zeros(800, "float32"), 8000)
    write_ogg_zip(project.folder / "a.zip", recordings_in(project.folder / "audio", {"one": "hello"}))
    code, output = project.run("boulder", "data", "a.zip")
    assert code == 0, output
    assert output.splitlines()[0] == "1 sequence"
    assert "800 frames" in output
