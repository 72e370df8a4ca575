"""A checkpoint: one self-describing HDF5 file, written so that a reader sees a whole one or none, and verified when read.

/params/PATH            arrays
/slots/SLOT/PATH        what the optimizer remembers of each parameter
/meta                   JSON: format version, epoch, step, index, net dict, parameter specs, history
attribute "checksum"    SHA-256 of all of that
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import h5py
import numpy

from boulder.atomic_file import replaced
from boulder.data.patient_file import PatientFile
from boulder.errors import CheckpointError
from boulder.network.params import ParamSpec

FORMAT_VERSION = 1


@dataclass
class Checkpoint:
    """
    :param epoch: the last one that was begun; the first is 1
    :param step: number of updates since the beginning of all training
    :param phase_start: first epoch of the phase that the parameters belong to
    :param index: its index in the construction; None for the original network
    :param network: its net dict, as canonical JSON
    :param specs: path → what the parameter is
    :param params: path → array
    :param slots: slot name → path → array
    :param iterations: the optimizer's own count of updates, since its slots were last reset
    :param history: per epoch {"epoch", "index", "learning_rate", "train": {key: score}, "dev": …}
    :param position: None after a whole epoch, else {"batch": number of batches done, "sums": {key: [sum, frames]}}
    """

    epoch: int
    step: int
    phase_start: int
    index: int | None
    network: dict
    specs: dict[str, ParamSpec]
    params: dict[str, numpy.ndarray]
    slots: dict[str, dict[str, numpy.ndarray]] = field(default_factory=dict)
    iterations: int = 0
    history: list[dict] = field(default_factory=list)
    position: dict | None = None

    @property
    def finished_epochs(self) -> int:
        """:return: the last epoch that is finished; 0 if none is"""
        return self.epoch - (self.position is not None)

    @property
    def batches_done(self) -> int:
        """:return: batches of the epoch in progress that are done; 0 after a whole epoch"""
        return self.position["batch"] if self.position else 0

    def _meta(self) -> str:
        plain = ("epoch", "step", "phase_start", "index", "network", "iterations", "history", "position")
        meta = {key: getattr(self, key) for key in plain}
        meta |= {"format_version": FORMAT_VERSION, "specs": [spec.to_json() for spec in self.specs.values()]}
        return json.dumps(meta, sort_keys=True)

    def _arrays(self) -> Iterator[tuple[str, numpy.ndarray]]:
        """:return: (name in the file, array), sorted by name"""
        arrays = {f"params/{path}": array for path, array in self.params.items()}
        arrays |= {f"slots/{slot}/{path}": a for slot, values in self.slots.items() for path, a in values.items()}
        return iter(sorted(arrays.items()))

    @property
    def checksum(self) -> str:
        """:return: hex digest of all contents; equal if and only if two checkpoints are bit-identical"""
        digest = hashlib.sha256(self._meta().encode())
        for name, array in self._arrays():
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(numpy.ascontiguousarray(array).reshape(-1).view(numpy.uint8))
        return digest.hexdigest()

    def save(self, path: str | os.PathLike) -> None:
        """
        :raises CheckpointError: if it cannot be written; what stood there before is untouched
        """
        try:
            with replaced(path, durable=True) as temporary, PatientFile(temporary) as raw:
                with h5py.File(raw, "w") as file:
                    file.attrs["checksum"] = self.checksum
                    # an attribute holds at most 64 KiB, and a history has no bound
                    file.create_dataset("meta", data=numpy.frombuffer(self._meta().encode(), numpy.uint8))
                    for name, array in self._arrays():
                        file.create_dataset(name, data=array)
                        raw.check()
                raw.sync()
        except OSError as error:
            raise CheckpointError(f"checkpoint {path}: cannot be written: {_reason(error)}") from error

    @classmethod
    def load(cls, path: str | os.PathLike) -> Checkpoint:
        """
        :raises CheckpointError: if it is missing, broken, of another format, or its checksum does not fit
        """
        try:
            with h5py.File(path, "r") as file:
                meta = json.loads(file["meta"][()].tobytes())
                checksum = file.attrs["checksum"]
                params = dict(_datasets(file["params"])) if "params" in file else {}
                slots: dict = {}
                for slot, group in file.get("slots", {}).items():
                    slots[slot] = dict(_datasets(group))
        except FileNotFoundError:
            raise CheckpointError(f"checkpoint {path}: there is no such file") from None
        except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError, MemoryError) as error:
            # all that h5py was seen to raise on files with a flipped bit
            raise CheckpointError(f"checkpoint {path}: is broken or no checkpoint: {_reason(error)}") from error
        version = meta.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise CheckpointError(f"checkpoint {path}: has format version {version}, expected {FORMAT_VERSION}")
        specs = [ParamSpec.from_json(spec) for spec in meta.pop("specs")]
        checkpoint = cls(**meta, specs={spec.path: spec for spec in specs}, params=params, slots=slots)
        if checkpoint.checksum != checksum:
            raise CheckpointError(f"checkpoint {path}: its checksum does not fit its contents; the file is damaged")
        return checkpoint


def _datasets(group: h5py.Group) -> list[tuple[str, numpy.ndarray]]:
    found = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found.append((name, item[()]))

    group.visititems(visit)
    return found


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())
