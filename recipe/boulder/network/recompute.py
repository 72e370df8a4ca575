"""`recompute`: values between the input and the output of layers are computed again for the gradient, instead of being kept.

It takes less memory and more time. Random numbers are functions of the step (`boulder.network.random_stream`), so dropout draws
the same masks again. Keras's and TensorFlow's `recompute_grad` add 0 to each input, parameters included; this takes control
dependencies instead, which TensorFlow's executor honours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import Any, TypeVar

from boulder.lazy import TFTensor, tf
from boulder.network.precision import active_precision, in_precision
from boulder.network.site import Site
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.tensor import Deferred, Memory, Tensor

Structure = TypeVar("Structure")


def check_recompute(site: Site) -> None:
    """:raises NetworkError: if the option does not apply to the layer"""
    if not site.layer.recompute:
        return
    if site.loop is not None:
        raise site.fail("'recompute' works for loops as a whole; expected as an option of the loop")
    if any(template.sparse_dim for _, template in site.sources):
        raise site.fail("'recompute' has no use where an input is class indices, as nothing is kept there")


def groups(spec: NetworkSpec) -> Iterator[tuple[list[LayerSpec], bool]]:
    """
    :return: the layers in their order, in groups, and whether the values within a group are to be computed again: for each
        layer with `recompute` True, and for neighbours with the same name as `recompute`
    """

    def key(item: tuple[int, LayerSpec]) -> tuple[object, ...]:
        number, layer = item
        wanted = layer.layer.recompute
        return (wanted, number) if wanted is True else (wanted,)

    for (wanted, *_), members in groupby(enumerate(spec.layers.values()), key):
        yield [layer for _, layer in members], bool(wanted)


def read_elsewhere(spec: NetworkSpec, group: Iterable[LayerSpec]) -> set[str]:
    """:return: layers of a group with an output that something outside of it may read"""
    own = {layer.name for layer in group}
    inside = {source for name in own for source in spec.layers[name].reads}
    outside = {source for name, layer in spec.layers.items() if name not in own for source in layer.reads}
    for layer in spec.layers.values():
        if layer.layer.darc1 or layer.layer.spatial_smoothing:
            outside |= {layer.name, *layer.sources}
    for loss in spec.losses.values():
        outside |= {*loss.layers, *([loss.target] if loss.target else [])}
    return {name for name in own if name in outside or name in spec.losses or name not in inside}


def recomputed(function: Callable[..., Structure], *arguments: Any) -> Structure:
    """
    :param function: of structures of tensors, which calls no other tensor with a gradient
    :return: `function(*arguments)`
    """
    if next(_floats(arguments), None) is None:  # class indices, as of the labels of a decoder: there is no gradient
        return function(*arguments)
    precision, results, arguments = active_precision(), [], _computed(arguments)

    def computed(values: Sequence[TFTensor]) -> Structure:
        with in_precision(precision):  # a gradient is traced outside of the context
            return _computed(function(*_with(arguments, iter(values))))

    @tf.custom_gradient
    def forward(*values: TFTensor) -> tuple[list[TFTensor], Callable[..., list[TFTensor]]]:
        results.append(computed(values))

        def gradient(*upstream: TFTensor) -> list[TFTensor]:
            with tf.control_dependencies(upstream):  # not before the gradient is needed
                again = [tf.identity(value) for value in values]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(again)
                outputs = list(_floats(computed(again)))
            zero = tf.UnconnectedGradients.ZERO
            found: list[TFTensor] = tape.gradient(outputs, again, list(upstream), unconnected_gradients=zero)
            return found

        return list(_floats(results[0])), gradient

    outputs = forward(*_floats(arguments))
    return _with(results[0], iter(outputs))


def _computed(structure: Any) -> Any:
    """:return: the structure with the tensors of `Deferred`s, whose gradient otherwise would not pass through here"""
    if isinstance(structure, dict | Deferred):
        return {key: _computed(item) for key, item in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(_computed(item) for item in structure)
    if isinstance(structure, Tensor | Memory):
        return replace(structure, **{f.name: _computed(getattr(structure, f.name)) for f in fields(structure)})
    return structure


def _floats(structure: Any) -> Iterator[TFTensor]:
    """Yields the tensors of floats in dicts, sequences, `Tensor`s and `Memory`s, in their order."""
    if isinstance(structure, dict):
        for item in structure.values():
            yield from _floats(item)
    elif isinstance(structure, list | tuple):
        for item in structure:
            yield from _floats(item)
    elif isinstance(structure, Tensor | Memory):
        for field in fields(structure):
            yield from _floats(getattr(structure, field.name))
    elif tf.is_tensor(structure) and structure.dtype.is_floating:
        yield structure


def _with(structure: Any, values: Iterator[TFTensor]) -> Any:
    """:return: the structure with these values in place of those of `_floats`"""
    if isinstance(structure, dict):
        return {key: _with(item, values) for key, item in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(_with(item, values) for item in structure)
    if isinstance(structure, Tensor | Memory):
        return replace(structure, **{f.name: _with(getattr(structure, f.name), values) for f in fields(structure)})
    return next(values) if tf.is_tensor(structure) and structure.dtype.is_floating else structure
