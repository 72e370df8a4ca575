"""Options of `choice`, and layers that read what a search knows, give the same numbers as in RETURNN."""

from functools import partial

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "align": {"dim": 4, "sparse": True, "shape": (None,)},
    "jumps": {"dim": 3, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [6, 4, 5], "align": [6, 4, 5], "jumps": [6, 4, 5]}
EQUAL = {key: [6, 6, 6] for key in LENGTHS}
"""RETURNN's scores include the labels chosen in the padding."""


def linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


def softmax(source, n_out=4):
    return {"class": "softmax", "from": source, "n_out": n_out}


def choice(source, beam_size=3, target="align", **options):
    return {
        "class": "choice", "from": source, "beam_size": beam_size, "target": target, "initial_output": 0,
        "length_normalization": False, **options,
    }  # fmt: skip


def aligner(**unit):
    return {
        "s": linear(["data:source", "prev:e"], 4),
        "p": softmax("s"),
        "output": choice("p"),
        "e": linear("output", 3),
        **unit,
    }


JUMPS = {
    "p2": softmax(["s", "e"], 3),
    "jump": choice("p2", 3, "jumps"),
    "j": linear("jump", 2),
    "e2": linear(["e", "j"], 3),
    "s": linear(["data:source", "prev:e2"], 4),
}


def favour_the_last(layer, scores_in, scores_base, base_beam_in, end_flags, batch_dim, scores_beam_in, t, **_):
    import tensorflow as tf

    (last,) = layer.explicit_search_sources
    labels = tf.reshape(last.output.placeholder, [batch_dim, scores_beam_in])[:, :base_beam_in]
    return scores_base + 0.7 * scores_in + tf.one_hot(labels, scores_in.shape[-1]) * tf.cast(t, tf.float32) * 0.1


def favour_by_name(layer, scores_in, scores_base, batch_dim, scores_beam_in, base_beam_in, **_):
    import tensorflow as tf

    state = layer.explicit_search_sources["state"].output.placeholder
    factor = tf.reshape(tf.reduce_mean(state, axis=-1), [batch_dim, scores_beam_in, 1])[:, :base_beam_in]
    return scores_base + scores_in * (1.0 + factor)


PAIR = {
    "output": choice(["p", "p2"], 3, ["align", "jumps"]),
    "p2": softmax("s", 3),
    "j": linear("output/out_1", 2),
    "label2": {"class": "copy", "from": "output/out_1", "initial_output": 0},
    "before": linear("prev:label2", 2),
    "e2": linear(["e", "j", "before"], 3),
    "s": linear(["data:source", "prev:e2"], 4),
}
UNITS = {
    "two labels": aligner(**PAIR),
    "two labels, pruned and scaled": aligner(
        **PAIR | {"output": choice(["p", "p2"], 4, ["align", "jumps"], source_beam_sizes=[3, 2], prob_scale=0.7)}
    ),
    "two labels after a choice": aligner(
        **PAIR | {"again": choice("p3", 6, "jumps", keep_beams=True), "p3": softmax(["e", "j"], 3)}
    ),
    "search in training": aligner(output=choice("p", search=True)),
    "scales": aligner(output=choice("p", prob_scale=0.7, base_beam_score_scale=0.9)),
    "log_prob and a list of targets": aligner(
        log_p={"class": "activation", "from": "p", "activation": "log"}, output=choice("log_p", input_type="log_prob") | {"target": ["align"]},
    ),
    "two choices": aligner(**JUMPS),
    "kept hypotheses": aligner(**JUMPS | {"output": choice("p", 3, keep_beams=True)}),
    "kept hypotheses and a state": aligner(
        **{
            **JUMPS, "output": choice("p", 3, keep_beams=True), "p2": softmax(["cell", "prev:s"], 3),
            "cell": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["e", "data:source"], "n_out": 4},
        }
    ),
    "custom scores": aligner(
        output=choice("p", custom_score_combine=favour_the_last, explicit_search_sources=["prev:output"])
    ),
    "custom scores by name": aligner(
        output=choice("p", custom_score_combine=favour_by_name, explicit_search_sources={"state": "s"})
    ),
    "one explicit source": aligner(
        output=choice("p", custom_score_combine=favour_the_last, explicit_search_source="prev:output")
    ),
    "true labels beside a search": aligner(**JUMPS | {"jump": choice("p2", 3, "jumps", search=False)}),
    "true labels without scores": aligner(
        **JUMPS | {"jump": choice("p2", 3, "jumps", search=False, add_to_beam_scores=False)}
    ),
    "scores and origins": aligner(
        scores={"class": "choice_get_beam_scores", "from": "output"},
        origins={"class": "choice_get_src_beams", "from": "output"},
        sum={
            "class": "eval", "from": ["scores", "origins"], "eval": "source(0) * 0.1 + tf.cast(source(1), tf.float32)",
            "out_type": {"dtype": "float32"}, "initial_output": 0,
        },
        read={"class": "expand_dims", "from": "prev:sum", "axis": "F"},
        s=linear(["data:source", "prev:e", "read"], 4),
    ),
}  # fmt: skip


def network(name, unit):
    extra = "" if name == "search in training" else "extra.search:"
    return {
        "encoder": linear("data", 4),
        "loop": {"class": "rec", "from": "encoder", "unit": unit},
        "best": {"class": "decide", "from": f"{extra}loop", "loss": "search_score", "register_as_extern_data": "found"},
        "all": {"class": "copy", "from": f"{extra}loop", "loss": "search_score", "loss_scale": 0.3},
        "output": {"class": "softmax", "from": "encoder", "n_out": 4, "loss": "ce", "target": "found"},
    }


def made_cases():
    """:return: name → function that makes the case"""
    return {
        name: partial(network_case, network(name, unit), EXTERN_DATA, EQUAL, ("best", "output"), scale=1.0)
        for name, unit in UNITS.items()
    }


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: make() for name, make in made_cases().items()})


@pytest.mark.parametrize("name", UNITS)
def test_a_search_within_training_matches(results, name):
    compare(*results[name])
