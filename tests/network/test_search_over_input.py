"""A search of a loop over an input ends a hypothesis where its layer `end` or the input of its sequence does."""

import numpy as np
import pytest

from boulder.network import describe, run_network
from boulder.network.axes import Time

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 4, "sparse": True}}
SIZES = np.array([6, 1, 4], "int32")


def network(**loop) -> dict:
    unit = {
        "label": {"class": "linear", "from": "prev:output", "n_out": 3, "activation": None},
        "prob": {"class": "softmax", "from": ["data:source", "label"], "n_out": 4},
        "output": {"class": "choice", "from": "prob", "target": "classes", "beam_size": 3, "initial_output": 1},
        "end": {"class": "compare", "from": "output", "value": 0},
    }
    return {
        "output": {"class": "rec", "from": "data", "unit": unit, "target": "classes", **loop},
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }


def searched(data, sizes, **loop) -> list[list[int]]:
    spec = describe(network(**loop), EXTERN_DATA, "search")
    rng = np.random.default_rng(3)
    params = {path: 2 * rng.normal(size=p.shape).astype("float32") for path, p in sorted(spec.params.items())}
    result = run_network(spec, params, {"data": data}, {"data": sizes}, losses=False)
    decision = result.layers["decision"]
    lengths = result.lengths[decision.template.time].numpy()
    labels = decision.ordered(decision.template.axes).numpy()
    return [row[:n].tolist() for row, n in zip(labels, lengths, strict=True)]


@pytest.mark.parametrize("loop", [{}, {"include_eos": True}, {"max_seq_len": 3}], ids=str)
def test_a_sequence_in_a_batch_is_searched_as_if_it_were_alone(loop):
    """Other than in RETURNN, where the frames in the padding count."""
    data = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")
    found = searched(data, SIZES, **loop)
    alone = [searched(data[i : i + 1, :n], SIZES[i : i + 1], **loop)[0] for i, n in enumerate(SIZES)]
    assert found == alone
    limit = loop.get("max_seq_len", 6)
    assert all(len(labels) <= min(n, limit) for labels, n in zip(found, SIZES, strict=True))
    assert all(0 not in (labels[:-1] if "include_eos" in loop else labels) for labels in found)
    assert any(len(labels) < min(n, limit) for labels, n in zip(found, SIZES, strict=True))


def test_the_target_gives_the_frames_in_training():
    assert describe(network(), EXTERN_DATA).layers["output"].template.time == Time("data")
