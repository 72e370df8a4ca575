"""`sampling_loss` has RETURNN's numbers for the same drawn classes."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe
from boulder.network.losses.sampling import drawn
from boulder.network.random_stream import RandomStream
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 4}, "classes": {"dim": 9, "sparse": True}}
LENGTHS = {"data": [7, 4, 1], "classes": [7, 4, 1]}
COUNTS = [9, 1, 4, 2, 2, 7, 1, 1, 3]


def softmax(**loss_opts) -> dict:
    options = {"loss": "sampling_loss", "target": "classes", "loss_opts": loss_opts}
    return {"output": {"class": "softmax", "from": "data", "n_out": 9, "use_transposed_weights": True, **options}}


CASES = {
    "softmax": softmax(num_sampled=4),
    "softmax of most classes": softmax(num_sampled=8, sampler="uniform"),
    "softmax with targets in the sample": softmax(num_sampled=5, remove_accidental_hits=False),
    "all classes": softmax(num_sampled=4, use_full_softmax=True),
    "nce": softmax(num_sampled=3, nce_loss=True, nce_log_norm_term=1.5),
    "nce without targets in the sample": softmax(num_sampled=6, nce_loss=True, remove_accidental_hits=True),
    "unigrams": softmax(num_sampled=3, sampler="fixed_unigram", sampler_args={"unigrams": COUNTS, "distortion": 0.5}),
}


def with_sample(network: dict) -> dict:
    """:return: a case in which RETURNN has the classes that Boulder draws"""
    loss = describe(network, EXTERN_DATA).losses["output"].loss
    probabilities = loss.probabilities(9)
    seed = RandomStream("output", 0, 0, False).seed_of("sampling_loss")
    classes, draws = drawn(tf.cumsum(tf.constant(probabilities)), loss.num_sampled, seed)
    case = network_case(network, EXTERN_DATA, LENGTHS)
    return case | {"sample": (classes.numpy(), int(draws), np.asarray(probabilities))}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: with_sample(network) for name, network in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
