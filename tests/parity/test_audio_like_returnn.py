"""The same features, labels, random numbers and batches as RETURNN's `OggZipDataset` and vocabularies."""

import gzip
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from boulder.data import open_dataset
from boulder.data.audio.ogg_zip_writer import Recording, write_ogg_zip
from boulder.data.streamed_batches import Place
from boulder.data.vocabulary import open_vocabulary
from boulder.errors import DataError
from boulder.training.epoch_batches import batches_to_train, streamed_to_train
from boulder.training.training_options import TrainingOptions

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:n_fft=2048"),  # librosa on short audio
]

TEXT = "the quick brown fox jumps over lazy dog lower lowest new newer widest ox é $name {x y } straße low"
WORDS = TEXT.split()
MERGES = [
    *(
        "l o",
        "lo w</w>",
        "lo w",
        "e r</w>",
        "n e",
        "ne w</w>",
        "ne w",
        "low est</w>",
        "e s",
        "es t</w>",
        "t h",
        "th e</w>",
    ),
    *("o x</w>", "w i", "wi d", "wid est</w>", "q u", "d o", "do g</w>", "j u", "ju m", "new er</w>", "lo w"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("audio")


@pytest.fixture(scope="module")
def zips(folder) -> dict[str, str]:
    """Zip files of recordings: name → path."""
    rng, found = np.random.default_rng(7), {}
    for rate, audio_format in ((8000, "wav"), (16000, "ogg"), (11025, "flac")):
        recordings = []
        for i in range(9):
            audio = np.cumsum(rng.normal(size=int(rate * rng.uniform(0.2, 0.9))))
            path = folder / f"{rate}-{i}.wav"
            soundfile.write(path, 0.7 * audio / np.abs(audio).max(), rate)
            text = " ".join(rng.choice(WORDS[:14], rng.integers(1, 6)))
            recordings.append(Recording(f"{rate}/{'x' * (i % 3)}{i}", path, text))
        found[f"{rate}"] = str(folder / f"{rate}.zip")
        write_ogg_zip(found[f"{rate}"], recordings, audio_format)
    tags = "\n".join(f"{rate}/{'x' * (i % 3)}{i}" for rate in (8000, 16000, 11025) for i in range(1, 9))
    (folder / "segments").write_text(tags)
    (folder / "segments.gz").write_bytes(gzip.compress(tags.encode()))
    return found


@pytest.fixture(scope="module")
def vocabularies(folder) -> dict[str, dict]:
    """Descriptions of vocabularies, with their files."""
    letters = sorted(set("".join(WORDS)))
    units = ["<s>", "<unk>", "UNK", *(f"{c}@@" for c in letters), *letters, "low", "low@@", "the", "est", "ne@@", "er"]
    units += [word for word in WORDS if len(word) % 2] + ["new@@", "th@@", "th", "wid@@"]
    units = list(dict.fromkeys(units))
    (folder / "bpe.vocab").write_text(repr({unit: i for i, unit in enumerate(units)}))
    (folder / "bpe.pkl").write_bytes(pickle.dumps({unit: i for i, unit in enumerate(units)}))
    (folder / "lines.vocab").write_text("\n".join(["UNK", *WORDS, "two words", " "]))
    (folder / "chars.vocab").write_text("\n".join(["@", " ", *letters[:-3]]))
    prefixed = [f"▁{c}" for c in letters] + letters + ["▁lo", "▁low", "est", "▁the", "<unk>"]
    (folder / "prefixed.vocab").write_text("\n".join(prefixed))
    (folder / "symbols").write_text(repr({"unknown_label": "<unk>", "bos_label": "<s>"}))
    for version in ("0.1", "0.2"):
        merges = MERGES if version == "0.2" else [merge.replace("</w>", " </w>").replace("  ", " ") for merge in MERGES]
        merges = [merge for merge in merges if len(merge.split()) == 2] + ["e </w>", "t </w>", "es t", "lo w"]
        head = ["#version: 0.2"] if version == "0.2" else []
        (folder / f"bpe.{version}").write_text("\n".join(head + merges) + "\n")
    bpe = {"vocab_file": str(folder / "bpe.vocab"), "bpe_file": str(folder / "bpe.0.2")}
    sampling = {"class": "SamplingBytePairEncoding", "vocab_file": str(folder / "bpe.vocab")}
    characters = {"class": "CharacterTargets", "vocab_file": str(folder / "chars.vocab")}
    lines = {"vocab_file": str(folder / "lines.vocab")}
    return {
        "words": lines,
        "words without unknown": lines | {"unknown_label": None},
        "words by index": lines | {"unknown_label": 3, "eos_label": "fox", "control_symbols": {"a": 2}},
        "words with white space": lines | {"single_whitespace_split": True},
        "bpe": bpe,
        "bpe 0.1": bpe | {"bpe_file": str(folder / "bpe.0.1"), "unknown_label": "<unk>", "seq_postfix": [0]},
        "bpe of pickle": bpe
        | {"vocab_file": str(folder / "bpe.pkl"), "special_symbols_via_file": str(folder / "symbols")},
        "characters": characters | {"seq_postfix": [1, 0]},
        "characters without unknown": characters | {"unknown_label": None},
        "characters by list": {"class": "CharacterTargets", "vocab_file": None, "labels": [*letters, " ", "@", "a"]},
        "missing unknown": {"vocab_file": None, "labels": ["a", "b"]},
        "bytes": {"class": "Utf8ByteTargets", "seq_postfix": [0]},
        "sampled, depth first": sampling | {"breadth_prob": 0.0},
        "sampled, breadth first": sampling | {"breadth_prob": 1.0, "unknown_label": None},
        "sampled": sampling | {"breadth_prob": 0.4, "unknown_label": "<unk>"},
        "sampled with prefix": sampling
        | {
            "breadth_prob": 0.5,
            "vocab_file": str(folder / "prefixed.vocab"),
            "word_prefix_symbol": "▁",
            "unknown_label": "<unk>",
        },
        "pieces": {"class": "SentencePieces", "model_file": sentence_pieces(folder), "add_eos": True},
    }


def sentence_pieces(folder: Path) -> str:
    sentencepiece = pytest.importorskip("sentencepiece")
    (folder / "text").write_text("\n".join(" ".join(WORDS[i:] + WORDS[:i]) for i in range(len(WORDS))))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"), model_prefix=str(folder / "spm"), vocab_size=50, minloglevel=2
    )
    return str(folder / "spm.model")


def of_returnn(cases: list[dict], folder: Path) -> list:
    (folder / "cases").write_bytes(pickle.dumps(cases))
    script = Path(__file__).with_name("returnn_audio.py")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, script, folder / "cases", folder / "results"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return pickle.loads((folder / "results").read_bytes())


def test_vocabularies_give_the_same_indices(vocabularies, folder):
    rng = random.Random(2)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(0, 8))) for _ in range(60)]
    texts += ["unseen words", "a  b\tc", "two words fox", "x", "l", "lowest newest wider", "$name {a b } low", "{a b}"]
    cases = [{"vocab": vocab, "texts": texts, "seed": 5} for vocab in vocabularies.values()]
    refused = []
    for (name, vocab), expected in zip(vocabularies.items(), of_returnn(cases, folder), strict=True):
        if isinstance(expected, str):
            with pytest.raises(DataError):
                labels_of(vocab, texts)
            refused.append(name)
        else:
            assert labels_of(vocab, texts) == expected, name
    assert refused == ["words without unknown", "characters without unknown", "missing unknown"]


def labels_of(vocab: dict, texts: list[str]) -> dict:
    vocabulary = open_vocabulary(vocab)
    vocabulary.check()
    numbers = np.random.RandomState(5)
    return {"labels": list(vocabulary.names), "ids": [vocabulary.label_ids(text, numbers) for text in texts]}


def random_audio(rng: random.Random, folder: Path) -> dict:
    from audio_functions import energies, every_other, slower_or_faster

    kinds = ["raw", "mfcc", "log_mel_filterbank", "log_log_mel_filterbank", "db_mel_filterbank", "linear_spectrogram"]
    kind = rng.choice([*kinds, energies])
    audio = {"features": kind}
    filters = {"raw": 1, "linear_spectrogram": rng.choice([256, 400])}.get(kind, rng.choice([13, 40, 23]))
    if kind != "raw" and (kind == "linear_spectrogram" or rng.random() < 0.7):
        audio["num_feature_filters"] = filters
    elif kind != "raw":
        filters = 40
    if rng.random() < 0.4 and kind != "linear_spectrogram":
        audio |= {"window_len": rng.choice([0.02, 0.03, 0.0251]), "step_len": rng.choice([0.01, 0.0125, 0.007])}
    if kind in ("mfcc", "db_mel_filterbank", "linear_spectrogram") and rng.random() < 0.5:
        audio["feature_options"] = {"center": rng.random() < 0.5}
        if kind != "linear_spectrogram":
            audio["feature_options"] |= rng.choice([{}, {"fmin": 60}, {"fmin": 100, "fmax": 3800}])
        if kind == "mfcc" and rng.random() < 0.5:
            audio["feature_options"]["n_mels"] = 60
    delta = rng.choice([False, False, True, 2]) if kind not in ("raw", energies) else False
    if delta:
        audio["with_delta"] = delta
    join = rng.choice([None, None, 3])
    if join:
        audio["join_frames"] = join
    dim = filters * (1 + int(delta))
    vector = folder / f"vector-{dim}"
    np.savetxt(vector, np.linspace(0.5, 2, dim))
    vectors = [] if join else [str(vector), np.linspace(-1, -2, dim)]
    if rng.random() < 0.5:
        audio["norm_mean"] = rng.choice(["per_seq", 0.5, -2, *vectors])
    if rng.random() < 0.5:
        audio["norm_std_dev"] = rng.choice(["per_seq", 0.5, 3, *vectors])
    if rng.random() < 0.3:
        audio["peak_normalization"] = False
    if rng.random() < 0.3:
        audio["preemphasis"] = rng.choice([0.97, 1.0])
    if rng.random() < 0.25:
        audio["random_permute"] = rng.choice(
            [
                True,
                {"rnd_zoom_switch": 1.0},
                {"rnd_stretch_switch": 1.0, "rnd_pitch_switch": 0.0},
                {"rnd_scale_lower": 0.5},
            ]
        )
    if rng.random() < 0.2:
        audio["pre_process"] = slower_or_faster
    if rng.random() < 0.2:
        audio["post_process"] = every_other
    return audio


def random_data(rng: random.Random, zips: dict[str, str], vocabularies: dict[str, dict], folder: Path) -> dict:
    from audio_functions import without_vowels

    names = ["bpe", "bpe 0.1", "characters", "bytes", "sampled", "sampled, depth first", "pieces"]
    audio = random_audio(rng, folder) if rng.random() < 0.8 else None
    data = {
        "class": "OggZipDataset",
        "path": rng.choice([*zips.values(), [zips["8000"], zips["16000"]]]),
        "audio": audio,
        "targets": vocabularies[rng.choice(names)],
        "seq_ordering": rng.choice(["default", "sorted", "random", "laplace:3", "sorted_reverse", "random:2"]),
    }
    if rng.random() < 0.3:
        data["partition_epoch"] = rng.randint(2, 3)
    if rng.random() < 0.2:
        data["random_seed_offset"] = rng.randint(1, 99)
    if rng.random() < 0.2:
        data["fixed_random_seed"] = rng.randint(1, 99)
    if rng.random() < 0.3:
        data["segment_file"] = str(folder / rng.choice(["segments", "segments.gz"]))
    if rng.random() < 0.2:
        data["fixed_random_subset"] = rng.choice([0.5, 4, 7])
    if rng.random() < 0.2:
        data["epoch_wise_filter"] = {(1, 2): {"max_mean_len": rng.choice([40, 50, 60])}}
    if rng.random() < 0.2:
        data["targets_post_process"] = rng.choice([without_vowels, "lowercase", "get_remove_chars('ox')"])
    return data


@pytest.mark.slow
def test_sequences_and_batches_over_generated_options(zips, vocabularies, folder):
    sys.path.insert(0, str(Path(__file__).parent))  # functions of the module travel by reference
    try:
        rng = random.Random(4)
        cases = []
        for _ in range(120):
            batches = {"batch_size": rng.choice([200, 900, 20000, {"classes": 40}]), "max_seqs": rng.choice([2, 5, 50])}
            data = random_data(rng, zips, vocabularies, folder)
            cases.append({"data": data, "epochs": 3, "batches": batches})
        compared = refused = 0
        for case, expected in zip(cases, of_returnn(cases, folder), strict=True):
            if isinstance(expected, str):
                with pytest.raises(DataError):
                    of_boulder(case)
                refused += 1
                continue
            for found, wanted in zip(of_boulder(case), expected, strict=True):
                assert found["batches"] == wanted["batches"], case
                for (tag, arrays), (wanted_tag, wanted_arrays) in zip(
                    found["sequences"], wanted["sequences"], strict=True
                ):
                    assert tag == wanted_tag
                    assert arrays.keys() == wanted_arrays.keys()
                    for key, array in arrays.items():
                        assert array.dtype == wanted_arrays[key].dtype
                        np.testing.assert_allclose(array, wanted_arrays[key], rtol=1e-4, atol=1e-4, err_msg=str(case))
            compared += 1
        assert compared > 110
        assert refused < 10
    finally:
        sys.path.pop(0)


def of_boulder(case: dict) -> list:
    options = TrainingOptions.from_config(case["batches"] | {"returnn_batches": True})
    result = []
    with open_dataset(case["data"]) as dataset:
        dataset.check()
        for epoch in range(1, case["epochs"] + 1):
            if dataset.streamed:
                formed = list(streamed_to_train(dataset, epoch, options, list(dataset.streams), Place()))
                batches = [[seq.tag for seq in batch.sequences] for batch in formed]
                sequences = [(seq.tag, seq.data) for batch in formed for seq in batch.sequences]
            else:
                _, formed = batches_to_train(dataset, epoch, options, list(dataset.streams))
                batches = [dataset.tags(batch) for batch in formed]
                sequences = [pair for b in formed for pair in zip(dataset.tags(b), dataset.read_many(b), strict=True)]
            result.append({"sequences": sequences, "batches": batches})
    return result
