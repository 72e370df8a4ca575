"""Net dict → NetworkSpec: the template and the parameters of every layer, in pure Python, before any job is submitted."""

from __future__ import annotations

from collections.abc import Mapping

import boulder.network.layers
import boulder.network.losses  # noqa: F401 (both register their classes)
from boulder.data.streams import default_input
from boulder.errors import NetworkError
from boulder.network.axes import BEAM
from boulder.network.dim_names import with_dims
from boulder.network.dims import Dims
from boulder.network.names import Place
from boulder.network.plain import describe_network
from boulder.network.sharing import check_paths, find_shared
from boulder.network.specs import NetworkSpec
from boulder.network.subnet import Subnet
from boulder.network.template import extern_templates


def describe(network: Mapping[str, object], extern_data: Mapping[str, object], mode: str = "train") -> NetworkSpec:
    """
    :param network: net dict
    :param extern_data: data streams, see `boulder.data.read_extern_data`
    :param mode: "train", "eval" or "search"; layers with `only_on_eval` or `only_on_search` exist only in some of them
    :raises NetworkError: names the layer, what was found and what was expected
    :raises DataError: for a wrong `extern_data`
    """
    if mode not in ("train", "eval", "search"):
        raise NetworkError(f"mode must be 'train', 'eval' or 'search', found {mode!r}")
    if not isinstance(network, dict):
        raise NetworkError(f"expected a net dict, found {type(network).__name__}: {network!r:.80}")
    dims = Dims()
    streams = with_dims(extern_templates(extern_data), dims, extern_data)
    network = dims.within(network)
    subnet = Subnet(network, Place(mode, streams, default_input(extern_data) or "data"))
    if not subnet.nodes:
        raise NetworkError(
            "the network has no layer 'output', none with a loss and none with 'is_output_layer', "
            f"found {', '.join(map(repr, network)) or 'no layer at all'}"
        )
    spec = describe_network(subnet)
    network_spec = NetworkSpec(streams, spec.layers, spec.losses, spec.loops)
    check_paths(network_spec)
    if mode != "search":
        _check_losses_of_hypotheses(network_spec)
    return find_shared(network_spec)


def _check_losses_of_hypotheses(spec: NetworkSpec) -> None:
    """A search within training has losses of all layers that are not told otherwise."""
    for name, loss in spec.losses.items():
        if spec.layers[name].template.axis(BEAM) and not loss.loss.needs_search:
            raise NetworkError(
                f"layer {name!r} ({spec.layers[name].layer.class_name}): has the loss {loss.loss.class_name!r}, but its output is of "
                "all hypotheses of a search; give it 'loss_only_on_non_search': True, or the loss to a layer that reads 'decide'"
            )
