"""The parameters of a layer in another layout: files written by other versions of RETURNN, or with another LSTM unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy

_CELLS = ("lstm_cell", "basic_lstm_cell")
_OLDER = {"bias": "biases", "kernel": "weights"}
"""name in a cell → its name in TensorFlow before 1.2"""
_NORM = re.compile(r"(.*)/batch_norm/(v2_|)(beta|gamma|mean|variance)")
_FORGET_BIAS = "a cell adds its 'forget_bias' of 1, which is in no parameter and which the other unit lacks"


def _as_it_is(array: numpy.ndarray) -> numpy.ndarray:
    return array


@dataclass(frozen=True)
class Origin:
    """
    The arrays in a file that a parameter is made of.

    :param names: names in the file
    :param convert: their arrays → the parameter
    :param note: what the conversion does not take along
    """

    names: tuple[str, ...]
    convert: Callable[..., numpy.ndarray] = _as_it_is
    note: str = ""


def other_layout(name: str, unused: Collection[str]) -> Origin | None:
    """
    :param name: of a parameter that the file lacks
    :param unused: names in the file that are not those of parameters of the network
    :return: how to make it from others, by RETURNN's rules (`CustomCheckpointLoader`); None if there is no way
    """
    layouts = [*_layouts(name), *_norms(name, unused)]
    return next((found for found in layouts if all(source in unused for source in found.names)), None)


def _layouts(name: str) -> list[Origin]:
    scope, _, last = name.rpartition("/")
    outer, _, cell = scope.rpartition("/")
    outer = outer.removesuffix("/rnn")
    found: list[Origin] = []
    if cell == "lstm_cell" and last in _OLDER:
        found += [Origin((f"{scope}/{_OLDER[last]}",)), Origin((f"{outer}/rnn/{cell}/{last}",))]
    if cell in _CELLS and last == "kernel":
        found.append(Origin((f"{outer}/W", f"{outer}/W_re"), _native_to_kernel, _FORGET_BIAS))
    if cell in _CELLS and last == "bias":
        found.append(Origin((f"{outer}/b",), _swap_gates, _FORGET_BIAS))
    if scope.endswith("/rec") and last in _NATIVE:
        part, convert = _NATIVE[last]
        for cell in ("rnn/lstm_cell", "lstm_cell"):
            found.append(Origin((f"{scope}/{cell}/{part}",), convert, _FORGET_BIAS))
    return found


def _norms(name: str, unused: Collection[str]) -> list[Origin]:
    """:return: a parameter of batch norm by its name in older values of `param_version`, which only one in the file may have"""
    match = _NORM.fullmatch(name)
    if not match:
        return []
    scope, newest, last = match.groups()
    older = re.compile(f"{re.escape(scope)}/batch_norm/(?!v2_)(.*_{'|' if newest else ''}){last}")
    found = [other for other in unused if older.fullmatch(other)]
    return [Origin((found[0],), numpy.ravel if newest else _as_it_is)] if len(found) == 1 else []


def _swap_gates(array: numpy.ndarray) -> numpy.ndarray:
    """Exchanges the first two quarters of the last axis: input gate and new input, which cells and NativeLstm2 order otherwise."""
    first, second, third, fourth = numpy.split(array, 4, axis=-1)
    return numpy.concatenate([second, first, third, fourth], axis=-1)


def _native_to_kernel(w: numpy.ndarray, w_re: numpy.ndarray) -> numpy.ndarray:
    """
    :param w: [inputs, 4 · units]
    :param w_re: [units, 4 · units]
    :return: [inputs + units, 4 · units]
    """
    return _swap_gates(numpy.concatenate([w, w_re], axis=0))


def _kernel_to_w(kernel: numpy.ndarray) -> numpy.ndarray:
    return _swap_gates(kernel[: -(kernel.shape[1] // 4)])


def _kernel_to_w_re(kernel: numpy.ndarray) -> numpy.ndarray:
    return _swap_gates(kernel[-(kernel.shape[1] // 4) :])


_NATIVE = {"W": ("kernel", _kernel_to_w), "W_re": ("kernel", _kernel_to_w_re), "b": ("bias", _swap_gates)}
"""name in NativeLstm2 → name in a cell, conversion"""
