"""RETURNN's checkpoints: TensorFlow's files `NAME.index`, `NAME.meta` and `NAME.data-00000-of-00001`."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy

from boulder.atomic_file import replaced
from boulder.errors import CheckpointError
from boulder.lazy import tf
from boulder.returnn.checkpoint_index import shapes_in_index
from boulder.training.checkpoint import epoch_in, shapes_of_params
from boulder.training.starting import ParameterFile, boulder_parameters, without_values

STEP = "global_step"
"""RETURNN's name of the number of training steps."""
_BOULDER = ".h5"
_PARTS = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")


def is_boulder(path: str) -> bool:
    """:return: whether the file is a checkpoint of Boulder, by its name"""
    return path.endswith(_BOULDER)


def prefix_of(path: str) -> str:
    """
    :param path: of any file of a checkpoint of RETURNN, or what these files have in common
    :return: what they have in common, as RETURNN and TensorFlow name the checkpoint
    """
    return _PARTS.sub("", path)


def main_file(path: str) -> str:
    """
    :param path: a checkpoint of Boulder or of RETURNN
    :return: the file that exists if the checkpoint does
    """
    return path if is_boulder(path) else f"{prefix_of(path)}.index"


def epoch_of(path: str) -> int | None:
    """
    :param path: a checkpoint of Boulder or RETURNN; RETURNN's files may be links to those of an epoch, as a "best" one often is
    :return: the epoch in a file of Boulder, if it exists; or else in the name, 12 for `net.pretrain.012`; None if neither is
        there
    """
    if is_boulder(path) and (epoch := epoch_in(path)) is not None:
        return epoch
    prefix = prefix_of(path)
    while os.path.islink(f"{prefix}.meta"):
        prefix = os.path.join(os.path.dirname(prefix), prefix_of(os.readlink(f"{prefix}.meta")))
    match = re.match(r".*\.(\d+)", os.path.basename(prefix))
    return int(match[1]) if match else None


def checkpoint_name(model: str, epoch: int) -> str:
    """
    :param model: RETURNN's option of that name
    :return: what RETURNN calls the checkpoint of an epoch after pretraining, `MODEL.012`; it finds those of pretraining by this
        name as well as by its own, `MODEL.pretrain.003`
    """
    return f"{model}.{epoch:03d}"


def open_parameters(path: str) -> ParameterFile:
    """
    :param path: a checkpoint of Boulder or of RETURNN
    :raises CheckpointError: if it is missing or damaged
    """
    return boulder_parameters(path) if is_boulder(path) else tensorflow_parameters(path)


def peek(path: str) -> ParameterFile | None:
    """
    Read the names and shapes alone, in milliseconds and without TensorFlow.

    :param path: see `open_parameters`
    :return: a file `without_values`; None if it is damaged or of an unknown form: `open_parameters` tells
    """
    shapes = shapes_of_params(path) if is_boulder(path) else shapes_in_index(main_file(path))
    return None if shapes is None else without_values(path if is_boulder(path) else prefix_of(path), shapes)


def tensorflow_parameters(path: str) -> ParameterFile:
    """
    :param path: see `prefix_of`
    :raises CheckpointError: if it is missing or damaged
    """
    prefix = prefix_of(path)
    if not os.path.exists(f"{prefix}.index"):
        raise CheckpointError(
            f"checkpoint {prefix}: there is no file {prefix}.index, expected a checkpoint of RETURNN, or a file of Boulder, "
            f"named *{_BOULDER}"
        )
    try:
        reader = tf.train.load_checkpoint(prefix)
    except Exception as error:  # TensorFlow raises several kinds, which share no class
        raise _broken(prefix, error) from error

    def read(name: str) -> numpy.ndarray:
        try:
            return numpy.asarray(reader.get_tensor(name))
        except Exception as error:
            raise _broken(prefix, error) from error

    shapes = {name: tuple(shape) for name, shape in sorted(reader.get_variable_to_shape_map().items())}
    step = int(read(STEP)) if STEP in shapes else None
    return ParameterFile(prefix, shapes, read, step, epoch_of(prefix))


def _broken(prefix: str, error: Exception) -> CheckpointError:
    text = " ".join(str(error).split())
    return CheckpointError(f"checkpoint {prefix}: is broken or no checkpoint: {text}")


def write_tensorflow(path: str | os.PathLike[str], params: Mapping[str, numpy.ndarray], step: int) -> list[Path]:
    """
    Write a checkpoint that RETURNN loads.

    :param path: see `prefix_of`; the folder is created
    :param params: path → array
    :param step: number of training steps so far
    :return: its files
    :raises CheckpointError: if it cannot be written; an older one is kept
    """
    target = Path(prefix_of(os.fspath(path))).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            _save(f"{folder}/saved", {**params, STEP: numpy.asarray(step, "int64")})
            # the index is what tells that the checkpoint exists
            files = sorted(Path(folder).iterdir(), key=lambda file: file.suffix == ".index")
            targets = [target.with_name(target.name + file.name.removeprefix("saved")) for file in files]
            for file, final in zip(files, targets, strict=True):
                with replaced(final, durable=True) as temporary:
                    file.rename(temporary)
    except OSError as error:
        raise CheckpointError(f"checkpoint {target}: cannot be written: {error.strerror or error}") from error
    return sorted(targets)


def _save(prefix: str, arrays: Mapping[str, numpy.ndarray]) -> None:
    """Saves with TensorFlow 1's saver, as RETURNN does: it expects the `.meta` file, which only that one writes."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = {}
        for name, array in arrays.items():
            begin = v1.placeholder(array.dtype, array.shape)
            variables[name] = v1.Variable(begin, name=name, trainable=False, collections=["saved"], use_resource=False)
            session.run(variables[name].initializer, {begin: array})
        try:
            v1.train.Saver(variables, max_to_keep=0).save(session, prefix, write_state=False)
        except (tf.errors.OpError, ValueError) as error:
            raise OSError(" ".join(str(error).split())) from error
