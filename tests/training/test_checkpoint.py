"""The checkpoint file: replaced atomically, and verified when read."""

import contextlib
import hashlib
import json
import os
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boulder.errors import CheckpointError
from boulder.network import ParamSpec, Part
from boulder.training import Checkpoint
from boulder.training.store import epochs_saved

SPEC = ParamSpec(
    "l", "rec/W", "l/rec/W", (2, 4), splits=((Part("a", 2),), (Part("input", 2),) * 2), returnn_splits=((2,), (2, 2))
)


def checkpoint(size: int = 8, **other) -> Checkpoint:
    values = np.arange(size, dtype="float32").reshape(2, -1)
    fields = {
        "epoch": 3,
        "step": 7,
        "phase_start": 2,
        "index": 1,
        "network": {"l": {"class": "rec"}},
        "specs": {"l/rec/W": SPEC},
        "params": {"l/rec/W": values},
        "slots": {"momentum": {"l/rec/W": values + 1}},
        "iterations": 5,
        "history": [{"epoch": 1, "train": {"cost:l": 0.1}}],
        "position": {"batch": 3, "sums": {"cost:l": [0.1, 3.0]}},
    }
    return Checkpoint(**fields | other)


def test_a_saved_checkpoint_is_loaded_unchanged(tmp_path):
    checkpoint().save(tmp_path / "c.h5")
    loaded = Checkpoint.load(tmp_path / "c.h5")
    assert loaded.checksum == checkpoint().checksum
    assert loaded.specs == checkpoint().specs
    np.testing.assert_array_equal(loaded.params["l/rec/W"], checkpoint().params["l/rec/W"])
    assert [p.name for p in tmp_path.iterdir()] == ["c.h5"]


def test_a_checkpoint_of_an_earlier_version_with_a_field_that_is_gone_is_loaded(tmp_path, monkeypatch):
    """Parameters had `l2`, the factor of their sum of squares."""
    as_now = ParamSpec.to_json
    with monkeypatch.context() as patch:
        patch.setattr(ParamSpec, "to_json", lambda spec: as_now(spec) | {"l2": 0.0})
        checkpoint().save(tmp_path / "c.h5")
    assert Checkpoint.load(tmp_path / "c.h5").specs == checkpoint().specs


def as_in_version_1(path) -> str:
    """Give a file the format version and the checksum that earlier versions of Boulder wrote."""
    with h5py.File(path, "r+") as file:
        meta = json.loads(file["meta"][()].tobytes()) | {"format_version": 1}
        text = json.dumps(meta, sort_keys=True).encode()
        digest = hashlib.sha256(text)
        for name in ("params/l/rec/W", "slots/momentum/l/rec/W"):
            digest.update(f"{name} <f4 {file[name].shape}".encode() + file[name][()].tobytes())
        del file["meta"]
        file["meta"] = np.frombuffer(text, np.uint8)
        file.attrs["checksum"] = digest.hexdigest()
    return str(path)


def test_a_checkpoint_with_sha_256_is_verified(tmp_path):
    checkpoint().save(tmp_path / "c.h5")
    path = as_in_version_1(tmp_path / "c.h5")
    assert Checkpoint.load(path).checksum == checkpoint().checksum
    with h5py.File(path, "r+") as file:
        file["params/l/rec/W"][0, 0] = 5
    with pytest.raises(CheckpointError, match=r"c\.h5: its checksum does not fit its contents"):
        Checkpoint.load(path)


@pytest.mark.parametrize("name", ["xxh3_128:", "sha512:", "", "xxh3_128"])
def test_another_checksum_does_not_fit(tmp_path, name):
    checkpoint().save(tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5", "r+") as file:
        kind, digest = file.attrs["checksum"].split(":")
        assert (kind, len(digest)) == ("xxh3_128", 32)
        file.attrs["checksum"] = name + digest[::-1]
    with pytest.raises(CheckpointError, match="the file is damaged"):
        Checkpoint.load(tmp_path / "c.h5")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.floats(allow_nan=True, width=32), epoch=st.integers(0, 10**9), text=st.text(max_size=20))
def test_any_value_is_loaded_bit_by_bit(tmp_path, value, epoch, text):
    saved = checkpoint(params={"l/rec/W": np.array([[value]], "float32")}, epoch=epoch, network={text: text})
    saved.save(tmp_path / "c.h5")
    loaded = Checkpoint.load(tmp_path / "c.h5")
    assert loaded.checksum == saved.checksum
    assert loaded.network == {text: text}


def test_equal_checkpoints_are_equal_files(tmp_path):
    checkpoint().save(tmp_path / "a.h5")
    Checkpoint.load(tmp_path / "a.h5").save(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_one_bit_of_a_value_changes_the_checksum():
    other = checkpoint()
    other.params["l/rec/W"][0, 0] = np.nextafter(np.float32(0), np.float32(1))
    assert other.checksum != checkpoint().checksum


def test_every_damaged_byte_is_noticed(tmp_path):
    checkpoint(size=4000).save(tmp_path / "c.h5")
    whole = (tmp_path / "c.h5").read_bytes()
    wanted = checkpoint(size=4000).checksum
    for position in range(0, len(whole), len(whole) // 150):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        (tmp_path / "d.h5").write_bytes(damaged)
        with contextlib.suppress(CheckpointError):
            assert Checkpoint.load(tmp_path / "d.h5").checksum == wanted  # a byte that carries no information


@pytest.mark.parametrize("part", [0, 10, 500, 0.5, -1])
def test_a_truncated_file_is_named_in_one_line(tmp_path, part):
    checkpoint(size=4000).save(tmp_path / "c.h5")
    whole = (tmp_path / "c.h5").read_bytes()
    (tmp_path / "c.h5").write_bytes(whole[: int(len(whole) * part) if isinstance(part, float) else part])
    with pytest.raises(CheckpointError, match=r"c\.h5: is broken or no checkpoint") as error:
        Checkpoint.load(tmp_path / "c.h5")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"c\.h5: there is no such file"):
        Checkpoint.load(tmp_path / "c.h5")


def test_another_kind_of_hdf_file_is_an_error(tmp_path):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["inputs"] = [1]
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Checkpoint.load(tmp_path / "c.h5")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written: No such file or directory"):
        checkpoint().save(tmp_path / "no/c.h5")


def test_a_full_disk_keeps_the_old_checkpoint_and_leaves_no_partial_file(small_disk):
    checkpoint().save(small_disk / "c.h5")
    with pytest.raises(CheckpointError, match=r"c\.h5: cannot be written: No space left on device"):
        checkpoint(size=200_000).save(small_disk / "c.h5")
    assert Checkpoint.load(small_disk / "c.h5").checksum == checkpoint().checksum
    assert [p.name for p in small_disk.iterdir()] == ["c.h5"]


def test_a_checkpoint_is_on_the_disk_before_it_is_renamed(tmp_path, monkeypatch):
    from boulder.training import trainer
    from boulder.training.store import CheckpointStore

    store = CheckpointStore(tmp_path / "store")
    store.save(checkpoint())
    done = []
    monkeypatch.setattr("os.fsync", lambda file: done.append(os.path.basename(os.readlink(f"/proc/self/fd/{file}"))))
    replace = os.replace
    monkeypatch.setattr("os.replace", lambda old, new: (done.append("replace"), replace(old, new)))
    trainer._write_result(store, SimpleNamespace(checkpoint=tmp_path / "c.h5"))
    assert done == [f".c.h5.{os.getpid()}", "replace", tmp_path.name]
    assert Checkpoint.load(tmp_path / "c.h5").checksum == checkpoint().checksum


def test_progress_grows_with_each_checkpoint(tmp_path):
    assert epochs_saved(tmp_path) == 0
    names = [
        "000002.batch.00000007",
        "000002.batch.00000008",
        "000002.batch.00090000",
        "000002",
        "000003.batch.00000001",
    ]
    found = []
    for name in names:
        (tmp_path / f"epoch.{name}.h5").touch()
        found.append(epochs_saved(tmp_path))
    assert found == sorted(set(found))
    assert found[0] > 1
    assert found[3] == 2
