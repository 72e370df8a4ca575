"""Reads the options of one layer, without its sources; and checks its template, with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from boulder.errors import NetworkError
from boulder.network.batch_normalization import option_of
from boulder.network.dim_names import named_axes
from boulder.network.layer import LAYERS, Layer
from boulder.network.loss import LOSSES, Loss
from boulder.network.option_parsing import parse
from boulder.network.out_type import check_out_type
from boulder.network.params import variable_scope
from boulder.network.recompute import check_recompute
from boulder.network.regularizers import check_regularizers
from boulder.network.site import Site
from boulder.network.specs import LossSpec
from boulder.network.template import Template
from boulder.network.warning import warn

DEFAULT_TARGET = "classes"


def check_name(name: object) -> None:
    """:raises NetworkError: if it is not a valid name of a layer"""
    if (
        not isinstance(name, str)
        or not variable_scope(name)
        or "/" in name
        or name == "data"
        or name.startswith(("data:", "prev:", "base:"))
    ):
        raise NetworkError(
            "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', "
            f"'base:…', found {name!r}"
        )


def exists(options: object, mode: str) -> bool:
    """:return: whether the layer may exist in this mode"""
    if not isinstance(options, dict) or (options.get("only_on_search") and mode != "search"):
        return False
    return not (options.get("only_on_eval") and mode == "train")


def is_root(options: object, mode: str) -> bool:
    """:return: whether the layer exists in this mode even if no layer reads it"""
    roots = ("loss", "is_output_layer", "need_last", "register_as_extern_data")
    return exists(options, mode) and isinstance(options, dict) and any(options.get(option) for option in roots)


def registered_layers(
    network: Mapping[str, object], mode: str, path: Callable[[str], str], nested: bool
) -> dict[str, str]:
    """
    :param path: layer name → path in the net dict
    :param nested: whether a layer holds the net dict
    :return: data stream → the layer that replaces it, see `Layer.register_as_extern_data`
    """
    found: dict[str, str] = {}
    for name, options in network.items():
        key = isinstance(options, dict) and options.get("register_as_extern_data")
        if not isinstance(options, dict) or not isinstance(key, str) or not key or not exists(options, mode):
            continue
        where = f"layer {path(name)!r} ({options.get('class')}): 'register_as_extern_data'"
        if nested or "/" in name:
            raise NetworkError(f"{where} is only possible for layers of the top level")
        if key in found:
            raise NetworkError(f"{where} is {key!r}, which is layer {found[key]!r} already")
        found[key] = name
    return found


def read_layer(options: object, where: str) -> Layer:
    """
    :param options: options in the net dict
    :param where: the layer, for messages
    :raises NetworkError: for an unknown class or unknown options
    """
    if not isinstance(options, dict) or "class" not in options:
        raise NetworkError(f"{where}: expected a dict with a 'class', found {options!r:.80}")
    cls = LAYERS.find(options["class"], where).variant(options)
    layer: Layer = parse(cls, {k: v for k, v in options.items() if k != "class"}, f"{where} ({cls.class_name})")
    if layer.control_dependencies_on_output:
        warn(
            f"{where} ({cls.class_name}): 'control_dependencies_on_output' is not called: what it asserts or prints does not "
            "happen; a layer 'print' prints"
        )
    return layer


def read_loss(layer: Layer, where: str, mode: str) -> Loss | None:
    """:return: the layer's loss, if it has one in this mode"""
    if layer.loss is None or (layer.loss_only_on_non_search and mode == "search"):
        return None
    options = layer.options_of_loss()
    loss: Loss = parse(LOSSES.find(layer.loss, where), options, f"{where}: loss {layer.loss!r}")
    if "scale" in options and layer.loss_scale not in (None, 1, loss.scale):
        raise NetworkError(f"{where}: 'loss_scale' is {layer.loss_scale}, but 'scale' in 'loss_opts' {loss.scale}")
    return loss


def warn_of_options_without_loss(network: Mapping[str, object], path: Callable[[str], str]) -> None:
    """
    Warns of all layers, including unused ones: a layer that lost its 'loss' is unused because of that.

    :param path: layer name → path in the net dict
    """
    for name, options in network.items():
        if not isinstance(options, dict) or "loss" in options:
            continue
        for option in ("loss_scale", "loss_opts"):
            if options.get(option) is not None:
                where = f"layer {path(name)!r} ({options.get('class')})"
                warn(f"{where}: has {option!r}, which has no effect without a 'loss'")


def warn_of_ignored_loss(where: str, reason: str, what: str) -> None:
    """
    :param where: the layer, for messages
    :param what: to move, so that the loss counts
    """
    warn(f"{where}: its loss does not count, as in RETURNN, since {reason}; move {what}")


def warn_of_unread_dumps(
    network: Mapping[str, object], read: Collection[str], mode: str, path: Callable[[str], str]
) -> None:
    """
    Warns of `hdf_dump` layers that do not exist in training, since nothing depends on them.

    :param read: the layers that exist
    :param path: layer name → path in the net dict
    """
    for name, options in network.items():
        if mode != "train" or name in read or not exists(options, mode):
            continue
        if isinstance(options, dict) and options.get("class") == "hdf_dump":
            where = f"layer {path(name)!r} (hdf_dump)"
            warn(f"{where}: writes nothing, since nothing depends on it; set 'is_output_layer': True")


def loss_specs(name: str, layer: Layer, loss: Loss, target: str | None) -> dict[str, LossSpec]:
    """
    :param name: absolute name of the layer
    :return: layer name → its loss
    """
    scale = loss.scale if layer.loss_scale in (None, 1) else layer.loss_scale
    return {name: LossSpec(name, loss, target, float(scale))}


def checked_template(site: Site) -> Template:
    """
    Runs the layer's spec half.

    :return: template of the output, whose axes have the names of `Dim`s
    :raises NetworkError: if the sources or options do not fit
    """
    layer = site.layer
    layer.check_in_dim(site)
    template = layer.spec(site)
    if normalization := option_of(layer, site.where):
        normalization.declare(site, template)
    site.named = named_axes(layer.named_axes(site, template), layer.out_shape, template, site.where)
    template = replace(template, axes=tuple(site.named.get(axis, axis) for axis in template.axes))
    check_regularizers(site, template)
    check_recompute(site)
    check_promises(site, template)
    return template


def check_promises(site: Site, template: Template) -> None:
    """
    :param template: of the output
    :raises NetworkError: if `n_out` or `out_type` contradict it
    """
    layer = site.layer
    if layer.n_out is not None and layer.n_out != template.dim:
        raise site.fail(f"'n_out' is {layer.n_out}, but its output is {template}")
    if layer.out_type is not None and not layer.reads_out_type:
        check_out_type(layer.out_type, template, site)
