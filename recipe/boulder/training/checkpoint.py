"""A checkpoint: one self-describing HDF5 file, replaced atomically when written and verified when read.

/params/PATH            arrays
/slots/SLOT/PATH        optimizer slots of each parameter
/averages/PATH          moving averages of the parameters, with `ema`
/earlier/EPOCH/PATH     arrays of earlier epochs, with `use_last_best_model`
/meta                   JSON: format version, epoch, step, index, net dict, parameter specs, history
attribute "checksum"    of all of the above, see `boulder.training.checksum`
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy

from boulder import strict_json
from boulder.atomic_file import replaced
from boulder.data.hdf.patient_file import PatientFile
from boulder.errors import CheckpointError
from boulder.lazy import h5py
from boulder.network.params import ParamSpec
from boulder.training.checksum import checksum_of, fits
from boulder.training.history import EpochRecord

FORMAT_VERSION = 2
_READABLE = (1, 2)  # version 1 has SHA-256 as its checksum


@dataclass
class Checkpoint:
    """
    :param epoch: the last epoch that was begun, 1-based
    :param step: number of training steps since the first phase
    :param phase_start: first epoch of the phase that the parameters belong to
    :param phase_step: number of training steps before that phase
    :param index: index of the phase; None for the original network
    :param network: net dict of the phase, as canonical JSON
    :param specs: path → specification of the parameter
    :param params: path → array
    :param slots: slot name → path → array
    :param iterations: number of updates of the optimizer since its slots were last reset
    :param history: records of the finished epochs
    :param position: None after a whole epoch, else {"batch": number of batches done, "sums": {key: [sum, frames]},
        "train_data": fingerprint of the data set; missing in older checkpoints}
    :param earlier: epoch → path → array, of epochs to which `use_last_best_model` may return
    :param earlier_steps: epoch → number of training steps at its end, for the same epochs
    :param averages: path → moving average of the parameter, with `ema`
    :param loss_scale: see `LossScale.state`; None without it
    """

    epoch: int
    step: int
    phase_start: int
    index: int | None
    network: dict[str, Any]
    specs: dict[str, ParamSpec]
    params: dict[str, numpy.ndarray]
    slots: dict[str, dict[str, numpy.ndarray]] = field(default_factory=dict)
    iterations: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    position: dict[str, Any] | None = None
    phase_step: int = 0
    earlier: dict[int, dict[str, numpy.ndarray]] = field(default_factory=dict)
    earlier_steps: dict[int, int] = field(default_factory=dict)
    averages: dict[str, numpy.ndarray] = field(default_factory=dict)
    loss_scale: tuple[float, int] | None = None

    @property
    def finished_epochs(self) -> int:
        """:return: the last epoch that is finished; 0 if none is"""
        return self.epoch - (self.position is not None)

    @property
    def batches_done(self) -> int:
        """:return: batches of the epoch in progress that are done; 0 after a whole epoch"""
        return self.position["batch"] if self.position else 0

    def for_inference(self) -> Checkpoint:
        """:return: the same with moving averages in place of the parameters that have one: what a training results in"""
        return replace(self, params={**self.params, **self.averages}, averages={})

    def _meta(self) -> str:
        plain = ("epoch", "step", "phase_start", "index", "network", "iterations", "history", "position")
        meta = {key: getattr(self, key) for key in plain}
        if self.phase_step:  # older checkpoints do not have it
            meta["phase_step"] = self.phase_step
        if self.loss_scale:
            meta["loss_scale"] = self.loss_scale
        if self.earlier_steps:
            meta["earlier_steps"] = {str(epoch): step for epoch, step in self.earlier_steps.items()}
        meta |= {"format_version": FORMAT_VERSION, "specs": [spec.to_json() for spec in self.specs.values()]}
        return strict_json.dumps(meta, sort_keys=True)

    def _arrays(self) -> Iterator[tuple[str, numpy.ndarray]]:
        """:return: pairs of name in the file and array, sorted by name"""
        arrays = {f"params/{path}": array for path, array in self.params.items()}
        arrays |= {f"slots/{slot}/{path}": a for slot, values in self.slots.items() for path, a in values.items()}
        arrays |= {f"earlier/{epoch}/{path}": a for epoch, values in self.earlier.items() for path, a in values.items()}
        arrays |= {f"averages/{path}": array for path, array in self.averages.items()}
        return iter(sorted(arrays.items()))

    @property
    def checksum(self) -> str:
        """:return: digest of the contents; equal if and only if two checkpoints are bit-identical"""
        return checksum_of(self._meta().encode(), self._arrays())

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        :raises CheckpointError: if it cannot be written; the old content of `path` is kept
        """
        try:
            with replaced(path, durable=True) as temporary, PatientFile(temporary) as raw:
                with h5py.File(raw, "w") as file:
                    # an attribute holds at most 64 KiB, and a history has no bound
                    file.create_dataset("meta", data=numpy.frombuffer(self._meta().encode(), numpy.uint8))
                    for name, array in self._arrays():
                        file.create_dataset(name, data=array)
                        raw.check()
                    file.attrs["checksum"] = self.checksum
                raw.check()
        except OSError as error:
            raise CheckpointError(f"checkpoint {path}: cannot be written: {_reason(error)}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """
        :raises CheckpointError: if it is missing, damaged or of another format version
        """
        try:
            with h5py.File(path, "r") as file:
                written = file["meta"][()].tobytes()
                meta = json.loads(written)
                checksum = str(file.attrs["checksum"])
                params = dict(_datasets(file["params"])) if "params" in file else {}
                averages = dict(_datasets(file["averages"])) if "averages" in file else {}
                slots: dict[str, dict[str, numpy.ndarray]] = {}
                for slot, group in file.get("slots", {}).items():
                    slots[slot] = dict(_datasets(group))
                earlier = {int(epoch): dict(_datasets(group)) for epoch, group in file.get("earlier", {}).items()}
        except FileNotFoundError:
            raise CheckpointError(f"checkpoint {path}: there is no such file") from None
        except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError, MemoryError) as error:
            # h5py has been seen to raise each of these on files with a flipped bit
            raise CheckpointError(f"checkpoint {path}: is broken or no checkpoint: {_reason(error)}") from error
        version = meta.pop("format_version", None)
        if version not in _READABLE:
            raise CheckpointError(f"checkpoint {path}: has format version {version}, expected 1 or {FORMAT_VERSION}")
        specs = [ParamSpec.from_json(spec) for spec in meta.pop("specs")]
        scale, updates = meta.pop("loss_scale", (None, 0))
        steps = {int(epoch): step for epoch, step in meta.pop("earlier_steps", {}).items()}
        checkpoint = cls(
            **meta,
            specs={spec.path: spec for spec in specs},
            params=params,
            slots=slots,
            earlier=earlier,
            earlier_steps=steps,
            averages=averages,
            loss_scale=(scale, updates) if scale else None,
        )
        # of `written`, since earlier versions of Boulder wrote other fields in `meta`
        if not fits(checksum, written, checkpoint._arrays()):
            raise CheckpointError(f"checkpoint {path}: its checksum does not fit its contents; the file is damaged")
        return checkpoint


def shapes_of_params(path: str | os.PathLike[str]) -> dict[str, tuple[int, ...]] | None:
    """:return: path → shape of the parameters, without reading their values; None if the file cannot be read"""
    try:
        with h5py.File(path, "r") as file:
            found: dict[str, tuple[int, ...]] = {}

            def visit(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    found[name] = item.shape

            file["params"].visititems(visit)
            return found
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError):
        return None


def epoch_in(path: str | os.PathLike[str]) -> int | None:
    """:return: the last finished epoch of a checkpoint, without reading its arrays; None if the file cannot be read"""
    try:
        with h5py.File(path, "r") as file:
            meta = json.loads(file["meta"][()].tobytes())
            return int(meta["epoch"]) - (meta["position"] is not None)
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError):
        return None


def _datasets(group: h5py.Group) -> list[tuple[str, numpy.ndarray]]:
    found: list[tuple[str, numpy.ndarray]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.append((name, item[()]))

    group.visititems(visit)
    return found


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())
