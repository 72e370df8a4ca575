"""`net2wider`, `deepen` and `lemon`: the grown network computes what the old one did (Net2Net, Chen, Goodfellow & Shlens 2016).

Units of a layer that grows from n to N keep their weights and get N - n replicas of randomly drawn ones. Unit j replicates the
old unit m(j), and c(u) counts the replicas of u, itself included. Incoming weights are copied, outgoing weights are divided:

    W'[·, j] = W[·, m(j)]           W'[j, ·] = W[m(j), ·] / c(m(j))

All replicas of a unit have the same value, and the layers that read them receive their sum. With `noise` the shares of the
replicas are unequal but still sum to 1, so that they can learn different features while the function is preserved (Wang et
al. 2023, LEMON; Net2Net adds noise to the weights instead, which changes the function). A new source of a layer has rows of 0.

Layers that share units, such as the summands of a residual sum, share m: see `boulder.training.growth.graph`. Normalization over
units needs equally many replicas of each (bert2BERT, Chen et al. 2022; LEMON). Attention gets more heads, larger heads, or both.
This is exact without dropout.

`lemon` (Wang et al. 2024, LEMON) is `deepen` whose new blocks copy trained ones apart from their ends, which are 0. `bert2bert` is
`net2wider` with advanced knowledge initialization (AKI): the weights of replicas are those of the next layer, so that the function
is not preserved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy

from boulder.errors import ConfigError
from boulder.network import NetworkSpec
from boulder.network.extra_nets import plain_name
from boulder.network.params import ParamSpec
from boulder.network.widening.units import Divided, Joined, Term, settled, sizes_of
from boulder.training.growth.deepening import Identities, Identity
from boulder.training.growth.factors import Factors
from boulder.training.growth.graph import Graph, Names
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.mappings import Mappings
from boulder.training.growth.matching import Specs, next_layers, stacked
from boulder.training.growth.new_layers import NewLayers
from boulder.training.growth.readers import OUTSIDE, readers_of
from boulder.training.growth.transfer import Transfer, with_following


def preserving_transfers(
    old_specs: Specs,
    new_specs: Specs,
    partners: Mapping[str, ParamSpec],
    init_from: Mapping[str, str],
    options: GrowthOptions,
    mode: str,
    own_way: Collection[str],
) -> dict[str, Transfer | Identity]:
    """
    :param partners: path of a new parameter → the matching old one
    :param mode: "net2wider", or "deepen", which turns new layers between old ones into the identity
    :param own_way: layers that have a mode of their own; their readers must see as many units as before
    :return: path → transfer, without the parameters of `own_way`
    :raises ConfigError: if the function cannot be preserved; names the reason
    """

    def fail(message: str) -> ConfigError:
        return ConfigError(f"growth by {mode}: {message}; the network would compute something else")

    old, new = _networks(options, mode)
    own = {path: spec for path, spec in new_specs.items() if spec.layer not in own_way}
    partners = {path: before for path, before in partners.items() if path in own}
    gone = {init_from.get(layer, layer) for layer in own_way} - {before.layer for before in partners.values()}
    kept = {path: spec for path, spec in old_specs.items() if spec.layer not in gone}
    fresh = {spec.layer for spec in own.values()} - {own[path].layer for path in partners}
    _check_layers_are_whole(kept, own, partners, fresh, fail)
    identities = Identities(NewLayers(old, new, init_from), mode in ("deepen", "lemon"), fail)
    graph = Graph(old, new, partners, Names(init_from, identities.of), own_way, fail)
    mappings = Mappings(options.seed, options.noise, graph.wanted, fail)
    factors = Factors(new, graph.wanted, mappings, fail).of
    _check_outputs(graph, fail)
    transfers: dict[str, Transfer | Identity] = {}
    for path, before in partners.items():
        terms = graph.wanted.params.get(path)
        sizes = tuple(zip(before.shape, own[path].shape, strict=False))
        if terms is None or len(before.shape) != len(own[path].shape) or tuple(map(sizes_of, terms)) != sizes:
            shapes = f"has the shape {own[path].shape}, but had {before.shape}"
            raise fail(
                f"parameter {path!r} of layer {own[path].layer!r} {shapes}, and the origin of its units is unknown"
            )
        axes = [
            _axis(mappings, term, f"{path}:{axis}", factors.get(path, {}).get(axis)) for axis, term in enumerate(terms)
        ]
        transfers[path] = Transfer(
            before, tuple(index for index, _ in axes), tuple(shares for _, shares in axes), zero_elsewhere=True
        )
    for path, spec in own.items():
        if spec.layer in identities.moved:
            old_norm = identities.moved[spec.layer]
            source = next(p for p, s in own.items() if s.layer == old_norm and s.name == spec.name)
            transfers[path] = transfers[source]
    starts = {
        path: identities.starts[spec.layer]
        for path, spec in own.items()
        if spec.layer in identities.starts and not spec.statistic
    }
    if mode == "lemon":
        transfers |= _copies(own, partners, transfers)
    if mode == "bert2bert":
        following = next_layers(kept)
        of_layer = {(spec.layer, spec.name): spec for spec in kept.values()}
        for path, before in partners.items():
            after = of_layer.get((following.get(before.layer, ""), before.name))
            if after is not None:
                incoming = [_is_incoming(term) for term in graph.wanted.params[path]]
                transfers[path] = with_following(transfers[path], after, incoming)
    return transfers | starts


def _copies(
    own: Specs, partners: Specs, transfers: Mapping[str, Transfer | Identity]
) -> dict[str, Transfer | Identity]:
    """:return: path of a parameter of a new layer → transfer of the trained layer that it copies"""
    trained = {path: spec for path, spec in own.items() if path in partners}
    donors = stacked(trained, own)
    path_of = {(spec.layer, spec.name): path for path, spec in trained.items()}
    found = {
        path: path_of.get((donors.get(spec.layer, ""), spec.name))
        for path, spec in own.items()
        if path not in transfers
    }
    return {path: transfers[donor] for path, donor in found.items() if donor is not None and donor in transfers}


def _is_incoming(term: Term) -> bool:
    """:return: whether the units along an axis are those that the layer reads"""
    term = settled(term)
    if isinstance(term, Joined):
        return all(_is_incoming(part) for part in term.parts)
    return isinstance(term, Divided)


def _networks(options: GrowthOptions, mode: str) -> tuple[NetworkSpec, NetworkSpec]:
    old, new = options.old_network, options.network
    if old is None:
        why = options.old_network_unknown
        raise ConfigError(f"growth by {mode}: {mode!r} needs the network before the growth{why and f': {why}'}")
    if new is None:
        raise ConfigError(f"growth by {mode}: {mode!r} needs the network after the growth")
    return old, new


def _check_layers_are_whole(
    old_specs: Specs,
    new_specs: Specs,
    partners: Mapping[str, ParamSpec],
    fresh: Collection[str],
    fail: Callable[[str], ConfigError],
) -> None:
    """:raises ConfigError: if a layer of both networks has different parameters in them"""
    for path, spec in new_specs.items():
        if path not in partners and spec.layer not in fresh:
            raise fail(f"parameter {path!r} is new in a layer that is not new")
    trained = {before.layer for before in partners.values()}
    used = {before.path for before in partners.values()}
    for path, spec in old_specs.items():
        if path not in used and spec.layer in trained:
            raise fail(f"parameter {path!r} is missing in a layer that still exists")


def _check_outputs(graph: Graph, fail: Callable[[str], ConfigError]) -> None:
    """:raises ConfigError: if what is read outside of the network, or by a loss, gets wider"""
    network = graph.new.network
    readers = readers_of(network)
    for name in network.layers:
        wider = graph.tensor(name).wider if name in graph.known else []
        if not wider or plain_name(name) in graph.own_way:
            continue
        axis, term = wider[0]
        sizes = "from {} to {}".format(*sizes_of(term))
        if name in network.losses:
            raise fail(f"layer {name!r} gets wider, {sizes}, and has a loss")
        if readers.get(name) == {OUTSIDE}:
            raise fail(f"layer {name!r} gets wider along its axis {axis.kind}, {sizes}, and only the outside reads it")


def _axis(
    mappings: Mappings, term: Term, key: str, factors: numpy.ndarray | None
) -> tuple[numpy.ndarray, numpy.ndarray | None]:
    """:return: the source of each entry of the axis, and its share"""
    shares = mappings.shares(term, key)
    if factors is not None:
        shares = shares * factors
    return mappings.index(term), None if (shares == 1).all() else shares
