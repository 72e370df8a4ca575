"""The manager reports networks that cannot grow, before their jobs run."""

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import BoulderError
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data):
    """:return: function (networks, mode) → pipeline, with an epoch for each network"""
    from jobs.pipeline import lay_out
    from sisyphus import tk

    def laid_out(networks: list[dict], mode: str | None = "subset", **config):
        def algo(idx, net_dict):
            return networks[idx] if idx < len(networks) else None

        return lay_out(
            "growth",
            network=networks[0],
            pretrain={"construction_algo": algo, "copy_param_mode": mode},
            num_epochs=len(networks),
            config=CONFIG | config,
            extern_data=EXTERN_DATA,
            train_data=tk.Path(str(data / "train.hdf")),
        )

    return laid_out


def with_layer(net: dict, layer: str, **options) -> dict:
    """`layer` between the BLSTM and the output."""
    return net | {layer: options, "output": net["output"] | {"from": layer}}


def joined(width: int, *sources: str) -> dict:
    return with_layer(network(1, width), "joined", **{"class": "linear", "from": list(sources), "n_out": 4})


def between(cls: str, **options) -> dict:
    return with_layer(network(1, 8), "h", **{"class": cls, "from": ["fw0", "bw0"], "n_out": 8, **options})


FIRST = [network(1, width) for width in (2, 3, 4, 5, 6, 7)]
CASES = {
    "shrinks": ("net2wider", network(1, 8), network(1, 3), "growth by net2wider: layer 'bw0' would shrink from 8 to 3"),
    "is deeper": ("net2wider", network(1, 8), network(2, 8), "growth by net2wider: "),
    "is no identity": ("deepen", network(1, 8), network(2, 8), r"growth by deepen: layer '\w+' \(rec\) cannot start as "),
    "splits": ("subset", joined(2, "fw0"), joined(4, "fw0", "bw0"), "growth of parameter 'joined/W' from .* cannot have been"),
    "rank": (
        "subset",
        between("linear"),
        between("conv", filter_size=(3,), padding="same"),
        r"growth by subset: parameter 'h/W' has 3 axes, \(3, 16, 8\), but had 2 before, \(16, 8\)",
    ),
    "init_from": (
        "subset_by_source",
        network(1, 8),
        network(2, 8) | {"#init_from": {"fw1": "fw7"}},
        "growth: 'init_from' maps 'fw1' to 'fw7', but the old network has no layer 'fw7' .*; did you mean 'fw0'",
    ),
    "mode": (None, network(1, 8), network(1, 9) | {"#copy_param_mode": "subst"}, "'subst', .*; did you mean 'subset'"),
    "importer": (
        "subset",
        network(1, 8),
        with_layer(network(1, 8), "h", **{"class": "linear", "n_out": 2, "from": "fw0", "custom_param_importer": "subst"}),
        "layer 'h' .*: option 'custom_param_importer' must be .*, found 'subst'; did you mean 'subset'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mode", "old", "new", "message"), CASES.values(), ids=CASES)
def test_a_phase_that_cannot_grow_is_reported_before_any_job_is_made(lay_out, monkeypatch, mode, old, new, message):
    made = []
    monkeypatch.setattr("jobs.layout.PhaseTrainingJob", lambda **arguments: made.append(arguments))
    with pytest.raises(BoulderError, match=rf"^(phase 7 \(index 7\)|construction_algo at idx 7): .*{message}") as error:
        lay_out([*FIRST, old, new], mode)
    assert "\n" not in str(error.value)
    assert made == []


def test_a_reset_layer_may_change_its_rank(lay_out):
    new = between("conv", filter_size=(3,), padding="same", custom_param_importer="reset")
    pipeline = lay_out([between("linear"), new])
    assert pipeline.rows[1]["growth"] == {"copied": 9, "grown": 0, "initialised": 1, "dropped": 1}


def test_growth_functions_enter_the_hash_and_reach_the_job(lay_out):
    def importer(layer, values_dict, session):
        layer.params["b"].load(values_dict["b"])

    def callback(**_):
        return None

    def other_callback(**_):
        return {}

    net = network(1, 4)
    changed = net | {"output": net["output"] | {"custom_param_importer": importer}}
    ids = [
        lay_out([network(1, 2), *rest], **config).jobs[1].job_id()
        for rest, config in (
            ([net], {}),
            ([changed], {}),
            ([net], {"growth_callback": callback}),
            ([net], {"growth_callback": other_callback}),
            ([net], {"init_new_network_callback": callback}),
        )
    ]
    assert len(set(ids)) == len(ids)
    pipeline = lay_out([network(1, 2), changed], growth_callback=callback)
    assert len(pipeline.functions) == 2
    assert pipeline.jobs[1].phases[0]["config"]["growth_callback"]["#function"] in pipeline.functions
    # an override for one index
    pipeline = lay_out([network(1, 2), net | {"#config": {"growth_callback": callback}}])
    assert ["growth_callback" in job.phases[0]["config"] for job in pipeline.jobs] == [False, True]
