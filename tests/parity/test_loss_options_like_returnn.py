"""Options of losses, and the layer `loss`, have RETURNN's numbers."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 4, "sparse": True, "shape": (None,)},
    "labels": {"dim": 3, "sparse": True, "shape": (None,)},
    "dense": {"dim": 4, "shape": (None, 4)},
}
LENGTHS = {"data": [9, 7, 6], "classes": [9, 7, 6], "labels": [4, 3, 4], "dense": [9, 7, 6]}
LOGITS = {"class": "linear", "activation": None, "n_out": 4, "from": "data"}


def output(loss: str, cls: str = "softmax", target: str = "classes", **loss_opts) -> tuple[dict, tuple]:
    activation = {"activation": "sigmoid"} if cls == "linear" else {}
    layer = {
        "class": cls,
        "from": "data",
        **activation,
        "n_out": 4,
        "loss": loss,
        "target": target,
        "loss_opts": loss_opts,
    }
    return {"output": layer}, ()


def of_frames(source: dict, **options) -> tuple[dict, tuple]:
    layer = {"class": "loss", "from": "p", "target_": "classes", "loss": "as_is", **options}
    return {"p": source, "x": layer, "output": {"class": "copy", "from": "data"}}, ("x",)


SOFTMAX = {"class": "softmax", "from": "data", "n_out": 4}


CASES = {
    "logits": ({"output": LOGITS | {"loss": "ce", "loss_opts": {"input_type": "logits"}}}, ()),
    "logits, focal": ({"output": LOGITS | {"loss": "ce", "loss_opts": {"input_type": "logits", "focal_loss_factor": 1.5}}}, ()),
    "logits, dense": ({"output": LOGITS | {"loss": "ce", "target": "dense", "loss_opts": {"input_type": "logits"}}}, ()),
    "gaussian smoothing": output("ce", label_smoothing=0.2, label_smoothing_gaussian=True),
    "gaussian smoothing of probabilities": output("ce", "linear", label_smoothing=0.2, label_smoothing_gaussian=True),
    "not fused": output("ce", use_fused=False, use_flatten_frames=False, debug_dump=False),
    "least probability": output("ce", "linear", safe_log_opts={"eps": 0.4, "use_fake_grad": False}),
    "least probability, with a gradient": output("ce", "linear", safe_log_opts={"eps": 0.4}),
    "normalized by a layer": (
        {**output("ce", custom_inv_norm_factor="n", use_normalized_loss=True)[0], "n": {"class": "length", "from": "data:labels"}},
        (),
    ),
    "collapsed targets": output("ctc", target="labels", target_collapse_repeated=True, beam_width=1),
    "collapsed and clipped targets": output(
        "ctc", target="labels", target_collapse_repeated=True, auto_clip_target_len=True, beam_width=1
    ),
    "collapsed targets, native": output(
        "ctc", target="labels", target_collapse_repeated=True, use_native=True, beam_width=1
    ),
    # without a map, RETURNN's types differ
    "decoded": output("edit_distance", target="labels", ctc_decode=True, label_map={0: 0, 1: 1, 2: 2}),
    "decoded and mapped": output("edit_distance", target="labels", ctc_decode=True, label_map={0: 1, 1: 1, 2: 0}),
    "costs": of_frames(SOFTMAX, loss_="ce"),
    "costs, smoothed": of_frames(SOFTMAX, loss_="ce", loss_opts_={"label_smoothing": 0.1}),
    "errors": of_frames(SOFTMAX, loss_="ce", use_error=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {name: network_case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
