"""Growth gives the same arrays as RETURNN's functions, from equal old and initial values."""

import random

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.training.growth import grow, subset

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "sparse": True}, "classes": {"dim": 5, "sparse": True}}


def random_splits(rng: random.Random) -> list[list[int]]:
    """:return: for each axis the sizes of its parts: a single one, equal gates, or sources, as in the parameters of layers"""
    width = rng.randint(1, 4)
    axes = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice(["whole", "gates", "sources"])
        count = rng.randint(2, 4)
        axes.append(
            [rng.choice([width, rng.randint(1, 6)])] if kind == "whole"
            else [width] * count if kind == "gates"
            else [rng.choice([width, rng.randint(1, 5)]) for _ in range(count)]
        )  # fmt: skip
    return axes


def test_2000_random_arrays_grow_and_shrink_as_in_returnn(returnn):
    rng, values = random.Random(1), np.random.default_rng(1)
    cases = []
    for _ in range(2000):
        splits = random_splits(rng)
        old_shape = [
            max(1, sum(parts) + rng.choice([0, len(parts), -len(parts), rng.randint(-4, 4)])) for parts in splits
        ]
        fresh = values.normal(size=[sum(parts) for parts in splits]).astype("float32")
        cases.append(
            {"kind": "subset", "old": values.normal(size=old_shape).astype("float32"), "fresh": fresh, "splits": splits}
        )
    same = refused = stricter = 0
    for case, expected in zip(cases, returnn(cases), strict=True):
        splits = tuple(map(tuple, case["splits"]))
        try:
            ours = subset(case["old"], case["fresh"], splits)
        except ConfigError:
            ours = None
        if expected is None:
            refused += ours is None
            assert ours is None
        elif min(min(parts) for parts in expected[1]) < 0:  # RETURNN accepts parts of negative size
            stricter += 1
            assert ours is None
        else:
            same += 1
            np.testing.assert_array_equal(ours, expected[0])
    assert same > 1000
    assert refused + stricter > 20


def network(layers: int, width: int, *, joined: bool) -> dict:
    net = {"embedding": {"class": "linear", "from": "data", "n_out": 4, "activation": None, "with_bias": False}}
    source = ["embedding"]
    for layer in range(layers):
        names = [f"fw{layer}", f"bw{layer}"]
        for name, direction in zip(names, (1, -1), strict=True):
            net[name] = {"class": "rec", "unit": "nativelstm2", "from": source, "n_out": width, "direction": direction}
        source = names
        if joined:
            net[f"both{layer}"] = {"class": "copy", "from": names}
            net[f"narrow{layer}"] = {
                "class": "linear",
                "activation": "tanh",
                "from": [f"both{layer}", "embedding"],
                "n_out": width,
            }
            source = [f"narrow{layer}"]
    return net | {"output": {"class": "softmax", "from": source, "loss": "ctc", "target": "classes"}}


GROWTHS = [
    (network(1, 3, joined=False), network(2, 5, joined=False)),
    (network(2, 4, joined=False), network(2, 7, joined=False)),
    (network(1, 3, joined=True), network(3, 5, joined=True)),
    (network(2, 6, joined=True), network(2, 4, joined=True)),  # narrower
    (network(3, 4, joined=False), network(1, 4, joined=True)),  # layers removed and added
]


def values_of(specs, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    return {path: rng.normal(size=spec.shape).astype("float32") for path, spec in specs.items()}


def test_networks_grow_into_each_other_as_in_returnn(returnn):
    cases, ours = [], []
    for old_net, new_net in GROWTHS:
        old, new = describe(old_net, EXTERN_DATA).params, describe(new_net, EXTERN_DATA).params
        params, fresh = values_of(old, 1), values_of(new, 2)
        for mode in ("ifpossible", "subset", "reset"):
            grown, _ = grow(params, old, new, lambda spec, fresh=fresh: fresh[spec.path].copy(), mode)
            ours.append(grown)
            cases.append(
                {
                    "kind": "grow", "old_net": old_net, "new_net": new_net, "extern_data": EXTERN_DATA, "params": params,
                    "fresh": fresh, "mode": mode,
                }
            )  # fmt: skip
    for case, grown, expected in zip(cases, ours, returnn(cases), strict=True):
        assert set(grown) == set(expected)
        for path, value in expected.items():
            np.testing.assert_array_equal(grown[path], value, err_msg=f"{case['mode']}: {path}")
