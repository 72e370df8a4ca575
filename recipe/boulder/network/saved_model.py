"""`save_for_inference`: a network as a SavedModel, which TensorFlow, TensorFlow Serving and others run without Boulder.

The signature `serving_default` takes, for each data stream KEY that the layers need, `KEY`, [B, T, D] or of class indices [B,
T], and `KEY_lengths`, int32 [B]. It gives, for each layer, its output as `LAYER`, with the axes batch, time, others, feature, and
if it has a time axis `LAYER_lengths`, int32 [B]. Values in the padding have no meaning.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy

from boulder.errors import CheckpointError, NetworkError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, BEAM, FEATURE, LOOP, TIME
from boulder.network.run import run_network, uses_streams
from boulder.network.specs import LayerSpec, NetworkSpec
from boulder.network.template import Template
from boulder.network.units.cudnn_trial import portable

SIGNATURE = "serving_default"


def save_for_inference(
    network: NetworkSpec,
    params: Mapping[str, numpy.ndarray],
    folder: str | os.PathLike[str],
    layers: Sequence[str] = ("output",),
) -> list[str]:
    """
    :param network: described in the mode "eval" or "search"
    :param params: path → array
    :param folder: is created; must not exist, or be empty
    :param layers: the layers that the model gives; only what they need is computed
    :return: a line for each input and output of the signature
    :raises NetworkError: for a layer that does not exist, or whose output is within a loop or a search
    :raises CheckpointError: if the folder cannot be written
    """
    for layer in layers:
        _check(network, layer)
    network = needed_for(network, layers)
    target = Path(folder).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
            _save(network, params, f"{temporary}/model", layers)
            if target.is_dir():
                target.rmdir()  # fails if it is not empty
            shutil.move(f"{temporary}/model", target)
    except OSError as error:
        raise CheckpointError(f"SavedModel {target}: cannot be written: {error.strerror or error}") from error
    return [*_input_lines(network), *_output_lines(network, layers)]


def needed_for(network: NetworkSpec, layers: Sequence[str]) -> NetworkSpec:
    """:return: the network without losses and without layers that `layers` do not need"""
    needed = set(layers)
    kept: list[str] = []
    for name, spec in reversed(network.layers.items()):
        if name in needed or needed & {inner.name for inner in spec.inner}:
            kept.append(name)
            needed.update(spec.reads)
    return replace(network, layers={name: network.layers[name] for name in reversed(kept)}, losses={})


def _check(network: NetworkSpec, layer: str) -> None:
    if layer not in network.layers:
        raise NetworkError(f"SavedModel: there is no layer {layer!r}{nearest(layer, network.layers)}")
    template = network.layers[layer].template
    if template.axis(LOOP):
        raise NetworkError(f"SavedModel: layer {layer!r} is within a loop, {template}, expected a layer outside of it")
    if template.axis(BEAM):
        raise NetworkError(
            f"SavedModel: layer {layer!r} has hypotheses of a search, {template}, expected a layer of class 'decide' after it"
        )


def _save(network: NetworkSpec, params: Mapping[str, numpy.ndarray], folder: str, layers: Sequence[str]) -> None:
    model = tf.Module()
    model.variables_of_network = {path: tf.Variable(params[path], trainable=False) for path in network.params}
    keys = _keys(network)

    def infer(**inputs: TFTensor) -> dict[str, TFTensor]:
        data = {key: inputs[name] for key, name in keys.items()}
        lengths = {key: inputs[f"{name}_lengths"] for key, name in keys.items() if network.extern_data[key].time}
        with portable():
            result = run_network(network, model.variables_of_network, data, lengths, losses=False)
        outputs = {}
        for layer in layers:
            template = network.layers[layer].template
            outputs[layer] = tf.identity(result.layers[layer].ordered(_ordered(template)))
            if template.time and template.time.size is None:
                outputs[f"{layer}_lengths"] = tf.identity(result.lengths[template.time])
        return outputs

    function = tf.function(infer, autograph=False).get_concrete_function(**dict(_input_specs(network)))
    tf.saved_model.save(model, folder, signatures={SIGNATURE: function})


def _keys(network: NetworkSpec) -> dict[str, str]:
    """:return: data stream → name of the input; both are the same but for characters that an argument cannot have"""
    used = uses_streams(network, losses=False)
    return {key: re.sub(r"\W", "_", key) for key in network.extern_data if key in used}


def _input_specs(network: NetworkSpec) -> Iterator[tuple[str, TFTensor]]:
    for key, name in _keys(network).items():
        template = network.extern_data[key]
        shape = [axis.size for axis in template.axes]
        yield name, tf.TensorSpec(shape, template.dtype, name=name)
        if template.time:
            yield f"{name}_lengths", tf.TensorSpec([None], "int32", name=f"{name}_lengths")


def _ordered(template: Template) -> list:
    """:return: the axes: batch, time, others, feature"""
    return sorted(template.axes, key=lambda axis: (axis.kind == FEATURE, axis.kind != BATCH, axis.kind != TIME))


def _input_lines(network: NetworkSpec) -> Iterator[str]:
    for key, name in _keys(network).items():
        template = network.extern_data[key]
        yield f"input {name!r}: {template}{_with_lengths(name, template)}"


def _output_lines(network: NetworkSpec, layers: Sequence[str]) -> Iterator[str]:
    for layer in layers:
        spec: LayerSpec = network.layers[layer]
        ordered = replace(spec.template, axes=tuple(_ordered(spec.template)))
        yield f"output {layer!r}: {ordered}{_with_lengths(layer, ordered)}"


def _with_lengths(name: str, template: Template) -> str:
    return f", with {name + '_lengths'!r}" if template.time and template.time.size is None else ""
