"""`OggZipJob` and `FeatureStatisticsJob`: from recordings and transcripts to normalised features and labels."""

import numpy as np
import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.data import open_dataset
from boulder.errors import DataError
from tests.speech.made_packages import LETTER_SECONDS, write_wav

TEXTS = {"b/two": "two", "a/one": "one one", "c": "three"}
AUDIO = {"features": "log_mel_filterbank", "num_feature_filters": 10, "sample_rate": 8000}
TARGETS = {"class": "CharacterTargets", "labels": list(" ehnortw"), "unknown_label": None}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """:return: function from arguments of `OggZipJob` to the job, after it ran on recordings of TEXTS"""
    from jobs.ogg_zip import OggZipJob
    from sisyphus import gs, tk

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    for name, text in TEXTS.items():
        write_wav(tmp_path / f"recordings/{name}.wav", text)
    (tmp_path / "transcripts.txt").write_text("".join(f"{name}\t{text}\n" for name, text in TEXTS.items()))

    def run(**options):
        paths = {
            key: tk.Path(str(tmp_path / name))
            for key, name in (("transcripts", "transcripts.txt"), ("audio", "recordings"))
        }
        job = OggZipJob(**paths, **options)
        job._sis_setup_directory()
        job.run()
        return job

    return run


@pytest.mark.parametrize("audio_format", ["flac", "wav", "ogg", None])
def test_sequences_have_the_names_order_and_texts_of_the_transcripts(made, audio_format):
    path = made(audio_format=audio_format).out_zip.get_path()
    raw = {"features": "raw", "sample_rate": 8000}
    with open_dataset({"class": "OggZipDataset", "path": path, "audio": raw, "targets": TARGETS}) as dataset:
        assert dataset.tags(range(3)) == list(TEXTS)
        sequences = dataset.read_many(range(3))
    for sequence, text in zip(sequences, TEXTS.values(), strict=True):
        assert "".join(TARGETS["labels"][label] for label in sequence["classes"]) == text
        assert len(sequence["data"]) == round(LETTER_SECONDS * 8000) * len(text)


def test_statistics_normalise_the_features(made):
    from jobs.feature_statistics import FeatureStatisticsJob

    zipped = made().out_zip
    job = FeatureStatisticsJob(data={"class": "OggZipDataset", "path": zipped, "audio": AUDIO, "targets": TARGETS})
    job._sis_setup_directory()
    job.run()
    normalisation = {"norm_mean": job.out_mean, "norm_std_dev": job.out_std_dev}
    description = {"class": "OggZipDataset", "path": zipped, "audio": AUDIO | normalisation, "targets": TARGETS}
    with open_dataset(description) as dataset:
        frames = np.concatenate([sequence["data"] for sequence in dataset.read_many(range(3))])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-4)


def test_a_recording_that_is_missing_is_an_error_that_names_it(made, tmp_path):
    (tmp_path / "recordings/b/two.wav").rename(tmp_path / "recordings/b/too.wav")
    with pytest.raises(DataError, match=r"b/two\.wav: found no such file"):
        made()
