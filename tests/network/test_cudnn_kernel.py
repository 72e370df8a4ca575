"""cuDNN's LSTM computes what the other kernels compute. No GPU is needed: the reference stands in for its operation."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.lstm_kernels import lstm_kernels
from boulder.network.saved_model import save_for_inference
from boulder.network.units import cudnn_trial
from boulder.network.units.cudnn_kernel import lstm, parameters
from boulder.network.units.cudnn_trial import Trial, trial
from tests.network.cudnn_reference import cudnn_rnn_v3
from tests.network.test_lstm_kernels import STREAMS, assert_equal, in_a_loop, layer, results, unrolled, with_states

ORDERS = [("input", "cell_in", "forget", "output"), ("cell_in", "input", "forget", "output")]


@pytest.fixture
def gpu(monkeypatch):
    """:return: function: replaces cuDNN's operation on a machine that seems to have a GPU"""

    def use(operation=cudnn_rnn_v3):
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda _kind: ["GPU:0"])
        monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", operation)

    trial.cache_clear()
    tf.config.run_functions_eagerly(True)
    yield use
    tf.config.run_functions_eagerly(False)
    trial.cache_clear()


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=0, max_size=3), st.integers(0, 1), st.integers(1, 3), st.integers(1, 3),
    st.sampled_from(ORDERS), st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_the_parameters_and_lengths_are_as_cudnn_takes_them(lengths, padding, n_in, n, gates, forget_bias):
    """cuDNN's formula on the vector of parameters, and its gradient, are those of the unit; padding leaks into nothing."""
    rng = np.random.default_rng(3)
    frames, rows = max(lengths, default=0) + padding, len(lengths)
    shapes = [(frames, rows, n_in), (rows, n), (rows, n), (n_in + n, 4 * n), (4 * n,)]
    operands = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
    of_output, of_c, of_h = (
        tf.constant(rng.normal(size=shape), tf.float32) for shape in ((frames, rows, n), *shapes[1:3])
    )
    mask = tf.transpose(tf.sequence_mask(lengths, frames, tf.float32))[..., None]

    def by_cudnn(x, c, h, matrix, bias):
        params = parameters(matrix[:n_in], matrix[n_in:], bias, gates, forget_bias, train=True)
        assert params.shape == [4 * n * (n_in + n + 2)]
        return lstm(x, c, h, params, tf.constant(lengths, tf.int32))

    def by_steps(x, c, h, matrix, bias):
        places = [gates.index(gate) for gate in ORDERS[0]]
        matrix, bias = (
            tf.concat([tf.split(value, 4, axis=-1)[place] for place in places], axis=-1) for value in (matrix, bias)
        )
        cs, hs = unrolled(x, c, h, matrix, bias, forget_bias)
        at = [(length, row) for row, length in enumerate(lengths)]
        last = [
            tf.gather_nd(tf.concat([first[None], states], axis=0), tf.reshape(tf.constant(at, tf.int32), [-1, 2]))
            for first, states in ((c, cs), (h, hs))
        ]
        return hs, *last

    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.raw_ops, "CudnnRNNV3", cudnn_rnn_v3)
        for compute in (by_steps, by_cudnn):
            with tf.GradientTape() as tape:
                tape.watch(operands)
                output, c, h = compute(*operands)
                objective = tf.reduce_sum(mask * output * of_output) + tf.reduce_sum(c * of_c) + tf.reduce_sum(h * of_h)
            found.append([mask * output, c, h, *tape.gradient(objective, operands, unconnected_gradients="zero")])
    expected, other = found
    assert_equal(other, expected)


@pytest.mark.parametrize(
    ("unit", "direction"),
    [
        ("BasicLSTM", -1),
        pytest.param("NativeLstm2", 1, marks=pytest.mark.slow),
        *(
            pytest.param(unit, -1, marks=pytest.mark.slow)
            for unit in ("NativeLstm2", "StandardLSTM", "NativeLstmLowMem", "VanillaLSTM", "LSTMBlock")
        ),
    ],
)
def test_layers_have_the_same_states_and_gradients(gpu, unit, direction):
    """In a batch of unequal lengths, with trained initial states and those of another layer."""
    gpu()
    cudnn, fused = (
        results(with_states(kernel, unit, direction, 3), [4, 0, 2], padding=False) for kernel in ("cudnn", "fused")
    )
    assert_equal(cudnn, fused)
    assert all(np.any(value) for value in cudnn)


def kinds_of_operations(network: dict, **options) -> set[str]:
    """:return: of the graph of a network and its gradient, which is not run"""
    spec = describe(network, STREAMS)
    params = {path: tf.zeros(p.shape) for path, p in spec.params.items()}

    @tf.function(autograph=False)
    def compute(data, lengths) -> list:
        with tf.GradientTape() as tape:
            tape.watch(params)
            output = run_network(spec, params, {"data": data}, {"data": lengths}, **{"train": True, **options})
            objective = tf.add_n([tf.reduce_sum(x.value) for x in output.layers.values()])
        return tape.gradient(objective, list(params.values()), unconnected_gradients="zero")

    specs = tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], tf.int32)
    graph = compute.get_concrete_function(*specs).graph.as_graph_def()
    return {node.op for nodes in (graph.node, *(f.node_def for f in graph.library.function)) for node in nodes}


CUDNN, BLOCK = {"CudnnRNNV3", "CudnnRNNBackpropV3"}, {"BlockLSTM", "BlockLSTMGrad"}
LARGE = {"output": {"class": "rec", "n_out": 128, "from": "data"}}


def test_a_gpu_chooses_cudnn_after_a_trial(gpu):
    gpu()
    assert trial() == Trial("", True)
    net = {
        "large": {**LARGE["output"], "direction": -1},
        "clipped": {
            "class": "rec",
            "unit": "StandardLSTM",
            "unit_opts": {"cell_clip": 1.0},
            "n_out": 4,
            "from": "large",
        },
        "forced": layer("fused") | {"from": "clipped"},
        "output": {"class": "rec", "unit": "BasicLSTM", "n_out": 4, "from": "forced"},
    }
    assert (
        lstm_kernels(describe(net, STREAMS)) == "LSTM kernels: cudnn for 2 layers, step for 1 layer, fused for 1 layer"
    )
    assert lstm_kernels(describe(LARGE, STREAMS), second_derivatives=True) == "LSTM kernels: step for 1 layer"


def other_order(**operands):
    """As if cuDNN took the gates in another order."""
    return cudnn_rnn_v3(**operands | {"params": tf.reverse(operands["params"], [0])})


def failure(**operands):
    raise tf.errors.InternalError(None, None, "Failed to call DoRnnForward\nwith model config: …")


def unsteady(**operands):
    found = cudnn_rnn_v3(**operands)
    return found._replace(output=found.output * np.random.default_rng().uniform(1, 1.0001))


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (other_order, r"differs from TensorFlow's by [\d.]+ on this machine"),
        (failure, "fails on this machine: Failed to call DoRnnForward"),
        (unsteady, "gives other bits each time on this machine"),
    ],
)
def test_a_gpu_whose_cudnn_fails_the_trial_does_without_it_and_says_why(gpu, operation, message):
    gpu(operation)
    line = rf"LSTM kernels: (loop|fused) for 1 layer; cuDNN's LSTM {message}"
    assert re.fullmatch(line, lstm_kernels(describe(LARGE, STREAMS)))


def test_an_option_prefers_cudnn_to_equal_bits(gpu):
    gpu(unsteady)
    line = "LSTM kernels: cudnn for 1 layer; cuDNN's LSTM gives other bits each time on this machine"
    assert lstm_kernels(describe({"output": layer("cudnn")}, STREAMS)) == line


NO_GPU = r"'kernel' 'cudnn' cannot train here: TensorFlow finds no GPU; expected None, for the fastest that can"


def test_without_a_gpu_cudnn_cannot_train_but_its_network_is_evaluated(gpu, monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _kind: [])
    with pytest.raises(NetworkError, match=rf"^layer 'output' \(rec\): unit_opts: {NO_GPU}$"):
        lstm_kernels(describe({"output": layer("cudnn")}, STREAMS))
    with pytest.raises(NetworkError, match=NO_GPU):
        results({"output": layer("cudnn")}, [3, 2])
    fused, cudnn = (results({"output": layer(kernel)}, [3, 2], train=False) for kernel in ("fused", "cudnn"))
    for one, other in zip(cudnn, fused, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def usable(monkeypatch):
    """A GPU whose cuDNN has passed the trial; its operation is TensorFlow's own, which does not run here."""
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _kind: ["GPU:0"])
    monkeypatch.setattr(cudnn_trial, "trial", lambda: Trial("", True))


def without_choice(network: dict) -> dict:
    """:return: the network with units that leave the choice of the kernel to Boulder"""
    inner = {"unit": without_choice(network["unit"])} if isinstance(network.get("unit"), dict) else {}
    return {
        name: without_choice(options) | inner if isinstance(options, dict) else options
        for name, options in (network | inner).items()
        if name != "unit_opts"
    }


def test_training_and_evaluation_build_cudnns_operations(usable):
    for options in ({"train": True}, {"train": False}):
        assert kinds_of_operations(LARGE, **options) & (CUDNN | BLOCK) == CUDNN


def moved_out(**options) -> dict:
    """:return: a layer that a loop computes for all frames at once"""
    unit = {"own": LARGE["output"] | {"from": "data:source", **options}, "output": {"class": "copy", "from": "own"}}
    return {"output": {"class": "rec", "from": "data", "unit": unit}}


@pytest.mark.parametrize(
    ("network", "kernel"),
    [(moved_out(), "loop"), pytest.param(without_choice(in_a_loop("fused")), "fused", marks=pytest.mark.slow)],
)
def test_loops_do_without_cudnn(usable, network, kernel):
    """Moved out, where the loop may need c after each frame; and in an iteration, over frames of its own."""
    assert not kinds_of_operations(network) & CUDNN
    assert lstm_kernels(describe(network, STREAMS)) == f"LSTM kernels: {kernel} for 1 layer"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            moved_out(unit_opts={"kernel": "cudnn"}),
            "'kernel' 'cudnn' computes whole sequences outside of loops, expected another one or None",
        ),
        (
            {"output": layer("cudnn", state={"c": "data", "h": "data"}, n_out=3)},
            "computes whole sequences outside of loops",
        ),
        ({"output": layer("cudnn", "ZoneoutLSTM")}, "'kernel' 'cudnn' computes the LSTM without further options"),
        ({"output": layer("cudnn", "GRU")}, "kernel"),
    ],
)
def test_what_cudnn_does_not_compute_is_an_error_before_any_job(network, message):
    with pytest.raises(NetworkError, match=message):
        describe(network, STREAMS)


def test_cudnn_has_no_second_derivative(usable):
    with pytest.raises(NetworkError, match=r"'kernel' 'cudnn' has no second derivative.*expected 'step'"):
        kinds_of_operations({"output": layer("cudnn")}, second_derivatives=True)


def test_a_saved_model_runs_without_a_gpu(usable, tmp_path):
    network = describe({"output": layer("cudnn") | {"from": "first"}, "first": LARGE["output"]}, STREAMS, mode="eval")
    save_for_inference(
        network, {path: np.zeros(p.shape, "float32") for path, p in network.params.items()}, tmp_path / "model"
    )
    infer = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    assert infer(data=tf.ones([2, 3, 3]), data_lengths=tf.constant([3, 1]))["output"].shape == [2, 3, 4]


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="needs a GPU")
def test_on_a_gpu_cudnn_passes_the_trial_and_layers_are_the_same():
    assert trial() == Trial("", True)
    cudnn, step = (
        results(with_states(kernel, "NativeLstm2", -1, 3), [4, 0, 2], padding=False) for kernel in ("cudnn", "step")
    )
    for one, other in zip(cudnn, step, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=5e-3 * np.abs(other).max())  # products of 11 bits
