"""Networks with layers that hold layers grow into each other as in RETURNN, bit for bit."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training.growth import grow
from tests.parity.published_style import linear, lstm
from tests.parity.test_growth_like_returnn import values_of

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 5, "shape": (None, 5)}, "align": {"dim": 4, "sparse": True, "shape": (None,)}}


def network(layers: dict, source="top") -> dict:
    return layers | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "align"}}


def block(width: int, **layers) -> dict:
    inner = {"in": linear("data", width, "tanh"), "lstm": lstm("in", width), "output": linear(["lstm", "in"], 4)}
    return {"class": "subnetwork", "from": "data", "subnetwork": inner | layers}


def stacked(*widths: int) -> dict:
    blocks = {f"block{i}": block(width) | {"from": f"block{i - 1}" if i else "data"} for i, width in enumerate(widths)}
    return network(blocks, f"block{len(widths) - 1}")


def masked(width: int, unit: dict | None = None) -> dict:
    unit = unit or {"class": "subnetwork", "from": "data", "subnetwork": block(width)["subnetwork"]}
    return network(
        {
            "align": {"class": "reinterpret_data", "from": "data:align", "size_base": "data"},
            "emit": {"class": "compare", "from": "align", "kind": "not_equal", "value": 0},
            "top": {"class": "masked_computation", "from": "data", "mask": "emit", "unit": unit},
            "copied": {"class": "copy", "from": "top"},
            "repeated": {"class": "unmask", "from": "copied", "mask": "emit"},
        },
        "repeated",
    )


def looped(width: int) -> dict:
    unit = {"sub": block(width) | {"from": ["data:source", "prev:output"]}, "output": linear("sub", width)}
    return network({"top": {"class": "rec", "from": "data", "unit": unit}})


def shared(width: int) -> dict:
    return network({
        "a": linear("data", width), "b": linear("data", width, reuse_params="a"),
        "top": linear(["a", "b"], width, reuse_params={"map": {"b": "a", "W": None}}),
    })  # fmt: skip


GROWTHS = {
    "deeper": (stacked(3), stacked(3, 3)),
    "wider and deeper": (stacked(3, 3), stacked(5, 4, 4)),
    "narrower": (stacked(4, 4), stacked(2)),
    "a layer moves into a subnetwork": (network({"in": linear("data", 4)}, "in"), network({"top": block(4)})),
    "a layer is added within": (network({"top": block(3)}), network({"top": block(4, output=linear("more", 4), more=linear("lstm", 4))})),
    "the unit of a masked computation": (masked(3), masked(5)),
    "a layer becomes a masked computation": (network({"top": linear("data", 4)}), masked(4, linear("data", 4))),
    "a subnetwork in a loop": (looped(3), looped(5)),
    "shared parameters": (shared(3), shared(6)),
}  # fmt: skip


def test_networks_grow_into_each_other_as_in_returnn(returnn):
    cases, ours, names = [], [], []
    for name, (old_net, new_net) in GROWTHS.items():
        old, new = describe(old_net, EXTERN_DATA).params, describe(new_net, EXTERN_DATA).params
        params, fresh = values_of(old, 1), values_of(new, 2)
        for mode in ("ifpossible", "subset", "reset"):
            grown, _ = grow(params, old, new, lambda spec, fresh=fresh: fresh[spec.path].copy(), mode)
            ours.append(grown)
            names.append(f"{name}, {mode}")
            cases.append(
                {
                    "kind": "grow", "old_net": old_net, "new_net": new_net, "extern_data": EXTERN_DATA, "params": params,
                    "fresh": fresh, "mode": mode,
                }
            )  # fmt: skip
    for name, grown, expected in zip(names, ours, returnn(cases), strict=True):
        assert set(grown) == set(expected), name
        for path, value in expected.items():
            np.testing.assert_array_equal(grown[path], value, err_msg=f"{name}: {path}")
