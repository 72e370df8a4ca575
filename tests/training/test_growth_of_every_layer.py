"""`net2wider` of networks with all layer classes: it changes nothing, preserves the function, or says why it cannot."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import BoulderError, ConfigError
from boulder.network import describe, run_network
from boulder.training.growth import GrowthOptions, grow, plan_growth
from tests.every_layer import EXTERN_DATA, NETWORKS
from tests.network.test_raggedness import batch_of, draw_sequence
from tests.training.preserved import fresh, trained

SIZES = ("n_out", "total_key_dim", "num_heads")


def places(net: dict, at: tuple = ()):
    """:return: paths of all options that are sizes"""
    for key, value in net.items():
        if isinstance(value, dict):
            yield from places(value, (*at, key))
        elif key in SIZES and isinstance(value, int):
            yield (*at, key)


def doubled(net: dict, paths: list[tuple]) -> dict:
    """:return: a copy with twice the sizes"""

    def copied(value, at: tuple):
        if isinstance(value, dict):
            return {key: copied(inner, (*at, key)) for key, inner in value.items()}
        return 2 * value if at in paths else value

    return copied(net, ())


def wider(net: dict):
    """:return: specs of the networks in which one layer is twice as wide, or all are"""
    found = [*places(net)]
    for paths in [*([path] for path in found), found]:
        try:
            yield describe(doubled(net, paths), EXTERN_DATA)
        except BoulderError:
            continue  # other layers need the old width


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_stays_is_copied(name):
    spec = describe(NETWORKS[name], EXTERN_DATA)
    report = plan_growth(spec.params, spec.params, "net2wider", GrowthOptions(network=spec, old_network=spec))
    assert report.copied == list(spec.params)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_cannot_get_wider_is_named_in_one_line(name):
    old = describe(NETWORKS[name], EXTERN_DATA)
    for new in wider(NETWORKS[name]):
        message = refusal(old, new)
        assert message is None or message.startswith("growth by net2wider: ")
        assert message is None or "\n" not in message
        assert message is None or any(repr(spec.name) in message for spec in new.all_layers())


def refusal(old, new) -> str | None:
    try:
        plan_growth(old.params, new.params, "net2wider", GrowthOptions(network=new, old_network=old))
    except ConfigError as error:
        return str(error)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_what_gets_wider_computes_the_same(name):
    old = describe(NETWORKS[name], EXTERN_DATA)
    values = trained(old)
    before = computed(old, values)
    for new in wider(NETWORKS[name]):
        options = GrowthOptions(network=new, old_network=old, noise=0.3)
        try:
            grown, _ = grow(values, old.params, new.params, fresh, "net2wider", options)
        except ConfigError:
            continue
        after = computed(new, grown)
        for layer, value in before.items():
            if value.shape == after[layer].shape:
                np.testing.assert_allclose(after[layer], value, rtol=2e-4, atol=2e-5, err_msg=layer)


def computed(spec, values: dict) -> dict[str, np.ndarray]:
    """:return: the losses, and the outputs of the layers that a loss or the outside reads"""
    rng = np.random.default_rng(5)
    data, lengths = batch_of([draw_sequence(rng, 4, 3, 7), draw_sequence(rng, 4, 3, 7)], 0, rng)
    constants = [{key: tf.constant(value) for key, value in both.items()} for both in (data, lengths)]
    result = run_network(spec, {path: tf.constant(value) for path, value in values.items()}, *constants)
    found = {f"loss of {name}": np.array(float(loss.cost)) for name, loss in result.losses.items()}
    kept = {name: result.layers[name] for name in spec.losses}
    return found | {name: x.ordered(x.template.axes).numpy() for name, x in kept.items()}
