"""`boulder data` shows what a data set holds, in narrow terminals and pipes, and what it lacks for a RETURNN config."""

import gzip
import io
import json
import zipfile

import h5py
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
        (
            "no.hdf",
            {},
            "data 'no.hdf': there is no such file, expected an HDF file, a zip file of recordings, a text, or a",
        ),
        ("nothing", {}, "data 'nothing': the file is empty, expected an HDF file, "),
        ("nothing.hdf", {}, "data 'nothing.hdf': the file is empty, expected an HDF file, "),
        ("packed.hdf.gz", {}, "data 'packed.hdf.gz': an HDF file is not read from a gzip file; unpack it by gunzip"),
        ("other.h5", {}, "other.h5: found params, expected RETURNN's HDF layout, which has 'seqLengths'"),
        ("short.zip", {}, "short.zip: cannot be read as a zip file, perhaps truncated"),
        (
            "index.zip",
            {},
            r"index.zip: index.txt: cannot be read as a list of dicts: malformed node or string on line 1$",
        ),
        ("binary.txt", {}, "binary.txt: line 0 is not text in UTF-8"),
        (
            "lines.txt",
            {"config": "my.config"},
            "--for my.config: lines.txt is a text, .* expected an LmDataset with the text",
        ),
        ("my.confg", {}, "config 'my.confg': .*did you mean 'my.config'"),
        ("trian.hdf", {}, "data 'trian.hdf': there is no such file, .*; did you mean 'train.hdf'"),
        (".", {}, "data '.': is a folder, expected an HDF file, a zip file of recordings, a text, or a config"),
        ("text.hdf", {}, r"data 'text.hdf': found no HDF file, as its name says; is it damaged\? Expected an HDF file"),
        ("my.config", {"data": "trian"}, "found 'trian', which is no data set of the config, .*did you mean 'train'"),
        (
            "train.hdf",
            {"data": "dev"},
            "--data dev: names a data set of a config, but train.hdf is an HDF file",
        ),
        ("train.hdf", {"config": "no.config"}, "config 'no.config': there is no such file"),
        ("broken.hdf", {}, "broken.hdf: not a readable HDF file, perhaps truncated"),
        ("empty.zip", {}, "empty.zip: found no index 'empty.txt' in it, expected one with a dict for each sequence"),
    ],
)
def test_bad_input_is_an_error_of_one_line(shown, data, tmp_path, file, arguments, message):
    (tmp_path / "text.hdf").write_text("hello")
    (tmp_path / "broken.hdf").write_bytes((data / "train.hdf").read_bytes()[:3000])
    for name, entry in (("empty", "nothing"), ("index", "index.txt")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(entry, "hello")
    (tmp_path / "short.zip").write_bytes((tmp_path / "index.zip").read_bytes()[:40])
    for name in ("nothing", "nothing.hdf"):
        (tmp_path / name).touch()
    (tmp_path / "packed.hdf.gz").write_bytes(gzip.compress((data / "train.hdf").read_bytes()))
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\n")
    (tmp_path / "lines.txt").write_text("one\n")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["params"] = np.zeros(3)
    with pytest.raises(BoulderError, match=message) as raised:
        shown(file, **arguments)
    assert "\n" not in str(raised.value)


def test_a_text_shows_lines_words_and_characters(shown, tmp_path):
    text = "hello world\n\nhello you\n"
    (tmp_path / "text.txt").write_text(text)
    (tmp_path / "text.txt.gz").write_bytes(gzip.compress(text.encode()))
    code, lines = shown("text.txt")
    assert (code, lines[:3]) == (0, ["3 lines", "  hello world", "  "])
    assert lines[lines.index("words: 3 different") + 1] == "  4 words, 0 to 2, on average 1.3"
    assert "characters: 10 different" in lines
    assert shown("text.txt.gz")[1] == lines


def test_json_has_every_number(shown, tmp_path, capsys):
    streams = {"data": {"dim": 2}, "speaker": {"dim": 9, "sparse": True, "shape": ()}}
    with HdfWriter(tmp_path / "a.hdf", streams) as writer:
        for length in (3, 5, 5):
            writer.write(f"seq-{length}", {"data": np.zeros((length, 2)), "speaker": np.array(7)})
    assert shown("a.hdf", as_json=True) == (0, [])
    found = json.loads(capsys.readouterr().out)
    assert (found["num_sequences"], found["first"]) == (3, ["seq-3", "seq-5", "seq-5"])
    of_data = found["streams"]["data"]
    assert {key: of_data[key] for key in ("dim", "sparse", "dtype", "shape")} == {
        "dim": 2, "sparse": False, "dtype": "float32", "shape": [None, 2],
    }  # fmt: skip
    assert of_data["lengths"]["sum"] == 13
    assert of_data["lengths"]["histogram"] == [
        {"from": 3, "to": 3, "count": 1}, {"from": 4, "to": 4, "count": 0}, {"from": 5, "to": 5, "count": 2},
    ]  # fmt: skip
    assert found["streams"]["speaker"]["lengths"]["sum"] == 3  # a frame each
    code, _ = shown("a.hdf", config="my.config", as_json=True)
    lacks = json.loads(capsys.readouterr().out)["lacks"]
    assert code == 1
    assert [line.split(":")[0] for line in lacks] == ["a.hdf", "lacks 'classes'"]


def test_a_config_of_sisyphus_shows_its_data_sets(project):
    code, output = project.run("boulder", "data", "config/tiny.experiment", "--data", "dev")
    assert code == 0, output
    assert output.startswith("8 sequences\n  dev-0\n")
    assert output.endswith("has all that config/tiny.experiment reads\n")
    code, output = project.run("boulder", "data", "config/tiny.experiment", "--data", "dve")
    assert (code, output) == (1, "error: --data dve: the config lays out train, dev; did you mean 'dev'?\n")
    assert not (project.folder / "work").exists()


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
