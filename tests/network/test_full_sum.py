"""Full-sum training over automata that are data: the loss against all paths, priors, smoothing, bad input."""

import re

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 4}, "automata": {"dim": 4}, "classes": {"dim": 4, "sparse": True}, "wide": {"dim": 5}}
SPRINT = {"sprint_opts": {"automata": "automata"}}
ARCS = [
    [[0, 0, 1, 0.5], [0, 1, 2, 0.2], [1, 2, 3, 0.1], [2, 2, 0, 0.3], [1, 0, -1, 0.7], [2, 0, -1, 0.4], [2, 0, -1, 0.6]],
    [[0, 0, 3, 0.25], [0, 0, -1, 0.0]],
    [[0, 1, 3, 0.25], [1, 0, -1, 0.0]],
]
FRAMES = [4, 2, 3]
"""The last sequence has no path of three frames."""


def softmax(**options) -> dict:
    return {"class": "softmax", "from": "data", "n_out": 4, **options}


def full_sum(**options) -> dict:
    return {"output": softmax(loss="fast_bw", **SPRINT, **options)}


def batch() -> tuple[dict, dict]:
    sizes = [len(rows) for rows in ARCS]
    arcs = np.full((3, max(sizes), 4), 7.5, "float32")
    for row, rows in zip(arcs, ARCS, strict=True):
        row[: len(rows)] = rows
    data = np.random.default_rng(0).normal(size=(3, 4, 4)).astype("float32")
    return {"data": data, "automata": arcs}, {"data": np.int32(FRAMES), "automata": np.int32(sizes)}


def run(network: dict, train: bool = True):
    """:return: result, the parameters, gradients of the sum of costs by path"""
    spec = describe(network, EXTERN_DATA)
    rng = np.random.default_rng(1)
    params = {}
    for path, param in spec.params.items():
        value = np.array([0.1, 0.2, 0.3, 0.4]) if path.endswith("priors") else rng.normal(size=param.shape)
        params[path] = tf.Variable(value.astype("float32"))
    with tf.GradientTape() as tape:
        result = run_network(spec, params, *batch(), train=train)
        cost = sum(loss.cost for loss in result.losses.values())
    return result, params, tape.gradient(cost, params) if result.losses else {}


def over_paths(scores: np.ndarray, arcs: list, scale: float) -> tuple[float, np.ndarray]:
    """:return: cost, posterior of the classes in each frame"""
    paths = [(0, [], 0.0)]
    for frame in scores:
        paths = [
            (target, [*labels, label], total + frame[label] - scale * cost)
            for state, labels, total in paths
            for source, target, label, cost in arcs
            if label >= 0 and source == state
        ]
    ends = [min([row[3] for row in arcs if row[2] == -1 and row[0] == s], default=np.inf) for s in range(3)]
    posterior, whole = np.zeros(scores.shape), 0.0
    for state, labels, total in paths:
        weight = np.exp(total - scale * ends[state])
        whole += weight
        for frame, label in enumerate(labels):
            posterior[frame, label] += weight
    return (-np.log(whole), posterior / whole) if whole else (0.0, posterior)


@pytest.fixture(scope="module")
def result():
    network = {
        **full_sum(
            am_scale=0.7, prior_scale=0.3, tdp_scale=0.5, ce_smoothing=0.25, ce_target_layer_align="bw", compute_priors=True,
            compute_priors_exp_average=0.1,
        ),
        "bw": {"class": "fast_bw", "from": "output", "input_type": "prob", "align_target": "sprint", **SPRINT},
    }  # fmt: skip
    return run(network)


def test_cost_and_gradient_are_those_of_all_paths(result):
    found, _, gradients = result
    p = found.layers["output"].ordered(found.layers["output"].template.axes).numpy()
    signal, total, counted = np.zeros(p.shape), 0.0, []
    for seq, frames in enumerate(FRAMES):
        log_p = np.log(p[seq, :frames])
        cost, q = over_paths(0.7 * log_p - 0.3 * np.log([0.1, 0.2, 0.3, 0.4]), ARCS[seq], 0.5)
        _, align = over_paths(log_p, ARCS[seq], 1.0)
        if q.any():
            counted.append(frames)
            signal[seq, :frames] = p[seq, :frames] - (0.75 * q + 0.25 * align)
            total += 0.75 * cost - 0.25 * (align * log_p).sum()
    assert float(found.losses["output"].cost) == pytest.approx(total, rel=1e-5)
    numbers = [float(getattr(found.losses["output"], key)) for key in ("frames", "left_out", "sequences")]
    assert numbers == [sum(counted), len(FRAMES) - len(counted), len(FRAMES)]
    assert len(counted) < len(FRAMES)
    np.testing.assert_allclose(gradients["output/b"], signal.sum(axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(gradients["output/W"], np.einsum("bti,btj->ij", batch()[0]["data"], signal), atol=1e-5)
    assert gradients["output/priors"] is None


def test_the_prior_approaches_the_mean_of_the_output(result):
    found, params, _ = result
    p = found.layers["output"].ordered(found.layers["output"].template.axes).numpy()
    mean = np.concatenate([p[seq, :frames] for seq, frames in enumerate(FRAMES)]).mean(axis=0)
    old = params["output/priors"].numpy()
    np.testing.assert_allclose(found.updates["output/priors"], old + 0.1 * (mean - old), rtol=1e-5)


def test_the_prior_stays_outside_of_training_and_begins_uniform():
    network = {"output": softmax(compute_priors=True, compute_priors_exp_average=0.1)}
    prior = describe(network, EXTERN_DATA).params["output/priors"]
    assert (prior.init, prior.trainable, prior.statistic) == (0.25, False, True)
    assert run(network, train=False)[0].updates == {}


def test_the_layer_subtracts_its_own_prior():
    priors = {"compute_priors": True, "compute_priors_exp_average": 0.1}
    layer = {
        "class": "fast_bw",
        "from": "p",
        "input_type": "prob",
        "align_target": "fsa",
        "align_target_key": "automata",
    }
    network = {"p": softmax(), "output": {**layer, **priors, "prior_scale": 0.3}}
    found, params, _ = run(network)
    p, posterior = (found.layers[name].ordered(found.layers[name].template.axes).numpy() for name in ("p", "output"))
    posterior = posterior.transpose(1, 0, 2) if posterior.shape[:2] != p.shape[:2] else posterior
    for seq, frames in enumerate(FRAMES):
        expected = over_paths(np.log(p[seq, :frames]) - 0.3 * np.log([0.1, 0.2, 0.3, 0.4]), ARCS[seq], 1.0)[1]
        np.testing.assert_allclose(posterior[seq, :frames], expected, atol=1e-6)
    mean = np.concatenate([p[seq, :frames] for seq, frames in enumerate(FRAMES)]).mean(axis=0)
    old = params["output/priors"].numpy()
    np.testing.assert_allclose(found.updates["output/priors"], old + 0.1 * (mean - old), rtol=1e-5)


def test_options_of_the_layer_are_those_of_its_loss():
    of_layer = describe(full_sum(am_scale=0.5, tdp_scale=0.1), EXTERN_DATA).losses
    opts = {**SPRINT, "am_scale": 0.5, "tdp_scale": 0.1}
    assert of_layer == describe({"output": softmax(loss="fast_bw", loss_opts=opts)}, EXTERN_DATA).losses


@pytest.mark.parametrize(("arc", "shown"), [([0, 1, 4, 0.5], "0.0, 1.0, 4.0"), ([-1, 1, 3, 0.5], "-1.0, 1.0, 3.0")])
def test_a_wrong_arc_is_found_at_run_time(arc, shown):
    spec = describe(full_sum(), EXTERN_DATA)
    data, lengths = batch()
    data["automata"][1, 0] = arc
    params = {path: tf.ones(param.shape) for path, param in spec.params.items()}
    message = "layer 'output' (softmax): expected states from 0 on and classes from 0 to 3 (-1: an end), found arc"
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)) as caught:
        run_network(spec, params, data, lengths)
    assert shown in str(caught.value)


NEEDS = (
    "needs automata, which RASR makes in RETURNN; expected 'sprint_opts': {'automata': STREAM}, a data stream with them: "
    "jobs.automata writes it from a lexicon or from files of OpenFst, see docs/data.md"
)
FSA = {"class": "fast_bw", "from": "data", "align_target": "fsa", "align_target_key": "automata"}
BAD = {
    "no automata of the loss": (
        {"output": softmax(loss="fast_bw", loss_opts={"sprint_opts": {"sprintExecPath": "nn-trainer"}})},
        f"(softmax): loss 'fast_bw' {NEEDS}",
    ),
    "no automata of the layer": (
        {"output": FSA | {"align_target": "sprint", "sprint_opts": {"automaton": "automata"}}},
        f"(fast_bw): 'align_target': 'sprint' {NEEDS}",
    ),
    "an unknown stream": (
        {"output": softmax(loss="fast_bw", sprint_opts={"automata": "automaton"})},
        "(softmax): 'loss_opts': 'sprint_opts' names 'automaton', but extern_data has only 'data', 'automata', 'classes', 'wide'; did "
        "you mean 'automata'?",
    ),
    "a stream of other rows": (
        {"output": softmax(loss="fast_bw", sprint_opts={"automata": "wide"})},
        "(softmax): 'loss_opts': 'wide' is [batch, time:wide, feature:5] float32, expected the arcs of automata: 4 features (state, "
        "next state, class, cost) for each arc, as 'boulder.data.write_automata' writes them",
    ),
    "labels as automata": (
        {"output": FSA | {"align_target_key": "classes"}},
        "(fast_bw): 'data:classes' is [batch, time:classes], 4 classes int32, expected the arcs of automata: 4 features (state, next "
        "state, class, cost) for each arc, as 'boulder.data.write_automata' writes them",
    ),
    "options of RASR without it": (
        {"output": FSA | SPRINT},
        "(fast_bw): 'sprint_opts' needs 'align_target': 'sprint', found 'fsa'",
    ),
    "a prior that nobody keeps": (
        full_sum(prior_scale=0.3),
        "(softmax): loss 'fast_bw': 'prior_scale' is 0.3, which needs a layer 'softmax' with 'compute_priors' and "
        "'compute_priors_exp_average'",
    ),
    "a prior that the layer does not keep": (
        {"output": FSA | {"prior_scale": 0.3}},
        "(fast_bw): 'prior_scale' is 0.3, which needs 'compute_priors' and 'compute_priors_exp_average'; another prior is subtracted by "
        "a layer in front",
    ),
    "a prior without a share": (
        {"output": softmax(compute_priors=True)},
        "(softmax): 'compute_priors' and 'compute_priors_exp_average', the share of a batch in the running mean (such as 0.001), need "
        "each other, found True and 0.0",
    ),
    "a share above 1": (
        {"output": softmax(compute_priors=True, compute_priors_exp_average=1.5)},
        "(softmax): 'compute_priors_exp_average' must be a number from 0 to 1, found 1.5",
    ),
    "smoothing with nothing": (
        full_sum(ce_smoothing=0.1),
        "(softmax): 'ce_smoothing' and 'ce_target_layer_align' need each other, found 0.1 and None",
    ),
    "smoothing alone": (full_sum(ce_smoothing=1.0), "(softmax): 'ce_smoothing' must be a number from 0 to below 1, found 1.0"),
    "an alignment that is none": (
        full_sum(ce_smoothing=0.1, ce_target_layer_align="w") | {"w": {"class": "copy", "from": "data:wide"}},
        "(softmax): 'loss_opts': 'ce_target_layer_align' is [batch, time:wide, feature:5] float32, expected the axes of the output, "
        "[batch, time:data, feature:4] float32",
    ),
    "options of another loss": (
        {"output": softmax(loss="ce", am_scale=0.5)}, "(softmax): loss 'ce': unknown option 'am_scale'; did you mean 'scale'?",
    ),
    "a loss of RASR": (
        {"output": softmax(loss="sprint")},
        "(softmax): loss 'sprint' needs a running RASR, which computes it; expected 'fast_bw' (full sum over automata that are data, see "
        "docs/data.md), or 'via_layer'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message(name, check_output):
    network, message = BAD[name]
    check_output(network, EXTERN_DATA, message)


def test_a_loss_of_an_output_that_is_no_softmax():
    network = {"output": {"class": "copy", "from": "data", "loss": "fast_bw", "loss_opts": SPRINT}}
    with pytest.raises(NetworkError, match=re.escape("(copy): loss 'fast_bw' needs an output of a softmax")):
        run_network(describe(network, EXTERN_DATA), {}, *batch())


def test_a_prior_in_a_loop_is_an_error():
    unit = {"output": softmax(**{"from": "data:source"}, compute_priors=True, compute_priors_exp_average=0.1)}
    with pytest.raises(NetworkError, match="'compute_priors' is not possible in a loop"):
        describe({"output": {"class": "rec", "from": "data", "unit": unit}}, EXTERN_DATA)
