"""Wrong options of `choice` and of the layers that end a search or read from it are refused with one line."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 4, "sparse": True}}


def linear(source, n_out):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh"}


def network(choice=None, loop=None, **layers):
    unit = {
        "p": {"class": "softmax", "from": "prev:e", "n_out": 4},
        "output": {"class": "choice", "from": "p", "beam_size": 2, "length_normalization": False, **(choice or {})},
        "e": linear("output", 3), **(loop or {}),
    }  # fmt: skip
    return {"output": {"class": "rec", "from": "data", "unit": unit}, **layers}


def second(**options):
    return {"again": {"class": "choice", "from": "p", "beam_size": 3, "is_output_layer": True, **options}}


TWO = {"from": ["p", "p"], "target": ["classes", "classes"]}
BAD = [
    (network({"target": ["classes", "classes"]}), "needs a 'target' for each source, found 2 for 1 in 'from'"),
    (network(TWO | {"target": "classes"}), "needs a 'target' for each source, found 1 for 2 in 'from'"),
    (network(TWO | {"source_beam_sizes": [2]}), "'source_beam_sizes' must have a number from 1 for each of 2 sources"),
    (
        network(TWO | {"source_beam_sizes": [2, 0]}),
        "'source_beam_sizes' must have a number from 1 for each of 2 sources",
    ),
    (network(TWO | {"cheating": True}), "'cheating' works with one source only, found several in 'from'"),
    (network(TWO | {"custom_score_combine": max}), "'custom_score_combine' works with one source only"),
    (network(TWO | {"scheduled_sampling": True}), "'scheduled_sampling' works with one source only"),
    (network(TWO | {"search": False}), "'add_to_beam_scores' works with one source only"),
    (network(TWO | {"input_type": "regression"}), "'input_type' works with one source only"),
    (network({"from": []} | {"target": None}), "needs a source with a score of each label, found none in 'from'"),
    (
        network(TWO, {"e": linear("output/out_2", 3)}),
        "'from' names 'output/out_2', but 'output' has only the parts out_0, out_1",
    ),
    (network({"search": False, "target": None}), "'target' is None, but only a search needs no target"),
    (
        network({"keep_beams": True}, second(keep_beams=True)),
        "'keep_beams' needs a multiple of the 3 hypotheses before",
    ),
    (network({"keep_beams": True, "cheating": True}), "'keep_beams' and 'cheating' do not work together"),
    (network({"explicit_search_source": "prev:e", "explicit_search_sources": ["prev:e"]}), "two names of one option"),
    (network({"custom_score_combine": max, "prob_scale": 0.5}), "'custom_score_combine' gives the scores"),
    (network({"random_sample_scale": -1.0}), "'random_sample_scale' must be 0 or more, found -1.0"),
    (network({"cheating": True}, second()), "'cheating' must be the same for all choices of a loop"),
    (network({}, second(search=False)), "so 'length_normalization' must be False"),
    (network(x={"class": "decide_keep_beam", "from": ["output", "data"]}), "takes one source, found 2"),
    (network({}, {"k": {"class": "decide_keep_beam", "from": "output", "is_output_layer": True}}), "found in a loop"),
    (network(x={"class": "split_batch_beam", "from": "data"}), "needs the hypotheses of a search"),
    (network(x={"class": "choice_get_src_beams", "from": "output"}), "found outside of loops"),
    (network(x={"class": "choice_get_beam_scores", "from": "data"}), "needs the hypotheses of a search"),
    (
        network({}, {"k": {"class": "choice_get_beam_scores", "from": "e", "is_output_layer": True}}),
        "needs a 'choice' of the same",
    ),
]


@pytest.mark.parametrize(("net", "message"), BAD)
def test_bad_input(net, message):
    if "x" in net:
        net["x"]["is_output_layer"] = True
    with pytest.raises(NetworkError) as error:
        describe(net, EXTERN_DATA, "search")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_each_choice_has_its_number_of_hypotheses():
    spec = describe(network({}, second(beam_size=4, keep_beams=True)), EXTERN_DATA, "search")
    loop = {layer.name: layer.template for layer in spec.layers["output/:loop"].inner}
    assert {name: template.axis("beam").size for name, template in loop.items() if template.axis("beam")} == {
        "output/p": 4, "output/output": 2, "output/e": 2, "output/again": 4,
    }  # fmt: skip
    assert spec.layers["output"].template.axis("beam").size == 4


def test_a_search_within_a_training():
    spec = describe(network({"search": True}), EXTERN_DATA)
    assert spec.layers["output"].template.axis("beam").size == 2
    assert "classes" not in {source.removeprefix("data:") for layer in spec.all_layers() for source in layer.sources}
