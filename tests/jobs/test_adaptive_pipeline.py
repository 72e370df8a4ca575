"""Jobs of schedules that depend on scores, laid out in this process; a function replaces the training."""

import asyncio
import json

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import ConfigError, NetworkError, ScheduleError, TrainingError
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data, tmp_path, monkeypatch):
    """:return: function (algo, dev costs by epoch) → (the pipeline, job ids each time that it waited for scores)"""
    from jobs.adaptive_pipeline import lay_out_adaptive
    from sisyphus import gs, tk

    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))
    paths = {name: tk.Path(str(data / f"{name}.hdf"), hash_overwrite=name) for name in ("train", "dev")}

    def run(algo, costs=(), seconds=1.0, scales=None, **other):
        waited = []

        async def train(scores):
            waited.append([path.creator.job_id() for path in scores])
            for path in scores:
                write_scores(path.creator, costs, seconds, scales)

        monkeypatch.setattr(tk, "async_run", train)
        arguments = {
            "network": network(2, 6),
            "pretrain": {"construction_algo": algo, "repetitions": 2, "copy_param_mode": "subset"},
            "num_epochs": 10,
            "config": CONFIG | {"learning_rate": 0.01},
            "extern_data": EXTERN_DATA,
            "train_data": paths["train"],
            "dev_data": paths["dev"],
        }
        return asyncio.run(lay_out_adaptive("adaptive", **(arguments | other))), waited

    return run


def write_scores(job, costs, seconds, scales=None) -> None:
    from pathlib import Path

    path = Path(job.out_scores.get_path())
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for phase in job.phases:
        for epoch in range(phase["first_epoch"], phase["last_epoch"] + 1):
            if epoch <= len(costs):
                record = {"epoch": epoch, "index": phase["index"], "learning_rate": 0.01, "train": {"cost:output": 3.0}}
                record |= {"dev": {"cost:output": costs[epoch - 1]}} if job.phases[0].get("dev") else {}
                record |= {"scales": scales} if scales else {}
                lines.append(json.dumps(record | {"seconds": seconds, "processor_seconds": seconds, "steps": 5}) + "\n")
    path.write_text("".join(lines))


def while_it_improves(idx, net_dict, history):
    costs = [record["dev"]["cost:output"] for record in history]
    if len(costs) > 2 and costs[-1] >= costs[-3]:
        return None
    return network(1, 3 + idx)


def ids(pipeline) -> list[str]:
    return [job.job_id() for job in pipeline.jobs]


def epochs(pipeline) -> list[list[tuple]]:
    keys = ("index", "start", "first_epoch", "last_epoch")
    return [[tuple(phase[key] for key in keys) for phase in job.phases] for job in pipeline.jobs]


COSTS = [5.0, 4.0, 3.0, 2.0, 1.9, 2.1]


def test_it_grows_until_the_scores_stop_improving_and_earlier_jobs_keep_their_ids(lay_out):
    pipeline, waited = lay_out(while_it_improves, COSTS)
    assert epochs(pipeline) == [[(0, 1, 1, 2)], [(1, 3, 3, 4)], [(2, 5, 5, 6)], [(None, 7, 7, 10)]]
    assert waited == [ids(pipeline)[:n] for n in (1, 2, 3)]
    assert pipeline.needs is None
    assert [row["job"] for row in pipeline.rows] == ids(pipeline)


def test_history_has_the_loss_scales_and_no_times(lay_out):
    seen = []

    def algo(idx, net_dict, history):
        seen.extend(history)
        return while_it_improves(idx, net_dict, history)

    lay_out(algo, COSTS, scales={"output": 0.2})
    assert seen[0] == {
        "epoch": 1,
        "index": 0,
        "learning_rate": 0.01,
        "train": {"cost:output": 3.0},
        "dev": {"cost:output": 5.0},
        "scales": {"output": 0.2},
    }


def test_different_scores_change_only_the_jobs_after_them(lay_out):
    stops_at_2, _ = lay_out(while_it_improves, COSTS)
    stops_at_1, _ = lay_out(while_it_improves, [5.0, 4.0, 4.0, 4.0])
    assert epochs(stops_at_1) == [[(0, 1, 1, 2)], [(1, 3, 3, 4)], [(None, 5, 5, 10)]]
    assert ids(stops_at_1)[:2] == ids(stops_at_2)[:2]
    assert ids(stops_at_1)[2] not in ids(stops_at_2)


def test_the_jobs_equal_those_of_a_schedule_known_in_advance(lay_out, data):
    from jobs.pipeline import lay_out as lay_out_at_once
    from sisyphus import tk

    known = lay_out_at_once(
        "known",
        network=network(2, 6),
        pretrain={
            "construction_algo": lambda idx, net_dict: network(1, 3 + idx) if idx < 3 else None,
            "repetitions": 2,
            "copy_param_mode": "subset",
        },
        num_epochs=10,
        config=CONFIG | {"learning_rate": 0.01},
        extern_data=EXTERN_DATA,
        train_data=tk.Path(str(data / "train.hdf"), hash_overwrite="train"),
        dev_data=tk.Path(str(data / "dev.hdf"), hash_overwrite="dev"),
    )
    assert ids(lay_out(while_it_improves, COSTS)[0]) == ids(known)


@pytest.mark.parametrize("indices_per_job", [1, 3, None])
def test_a_job_ends_at_each_decision_even_within_a_phase(lay_out, indices_per_job):
    def same_network(idx, net_dict, history):
        return network(1, 3) if idx < 2 else None

    rates = [0.01, 0.02, 0.03, 0.04, 0.05]
    config = CONFIG | {"learning_rates": rates, "use_learning_rate_control_always": True}
    pipeline, waited = lay_out(
        same_network, [1.0] * 4, num_epochs=5, config=config, indices_per_job=indices_per_job, network=network(1, 3)
    )
    assert epochs(pipeline) == [[(0, 1, 1, 2)], [(0, 1, 3, 4)], [(0, 1, 5, 5)]]
    assert [job.phases[0]["learning_rate_control"]["rates"] for job in pipeline.jobs] == [
        rates[:2],
        rates[2:4],
        rates[4:],
    ]
    assert waited == [ids(pipeline)[:1], ids(pipeline)[:2]]
    assert [row["last_epoch"] for row in pipeline.rows] == [5]
    assert pipeline.rows[0]["job"] == ids(pipeline)[0]
    aliases = [max(job.get_aliases(), key=len) for job in pipeline.jobs]
    assert aliases == ["adaptive/phase.00", "adaptive/phase.00.epoch3", "adaptive/phase.00.epoch5"]


def test_phases_between_decisions_may_share_a_job(lay_out):
    from boulder.schedule import WrapEpochValue

    def wider_each_epoch(idx, net_dict, history):
        net = network(1, WrapEpochValue(lambda epoch: 2 + epoch))
        return net if idx < 2 else None

    one_each, _ = lay_out(wider_each_epoch, [1.0] * 4, num_epochs=4)
    shared, _ = lay_out(wider_each_epoch, [1.0] * 4, num_epochs=4, indices_per_job=None)
    assert [len(job.phases) for job in one_each.jobs] == [1, 1, 1, 1]
    assert [len(job.phases) for job in shared.jobs] == [2, 2]
    assert "adaptive/phase.00-00.2" in shared.jobs[0].get_aliases()


def test_the_history_does_not_contain_times(lay_out):
    seen = []

    def algo(idx, net_dict, history):
        seen.append(history)
        return while_it_improves(idx, net_dict, history)

    lay_out(algo, COSTS, seconds=1.0)
    first = list(seen)
    seen.clear()
    lay_out(algo, COSTS, seconds=2.0)
    assert seen == first
    assert first[-1][0] == {
        "epoch": 1,
        "index": 0,
        "learning_rate": 0.01,
        "train": {"cost:output": 3.0},
        "dev": {"cost:output": 5.0},
    }


def test_an_algo_without_history_does_not_wait_for_scores(lay_out):
    pipeline, waited = lay_out(lambda idx, net_dict: network(1, 3) if idx == 0 else None)
    assert epochs(pipeline) == [[(0, 1, 1, 2)], [(None, 3, 3, 10)]]
    assert waited == []


def test_a_function_of_a_later_index_reaches_its_job_and_changes_no_earlier_job(lay_out):
    def algo(idx, net_dict, history):
        net = network(1, 3 + idx)
        if idx == 1:
            net["more"] = {
                "class": "eval", "from": "output", "eval": lambda source: source(0) * 2, "is_output_layer": True,
            }  # fmt: skip
        return net if idx < 2 else None

    pipeline, waited = lay_out(algo, [1.0] * 4)
    assert waited[0] == ids(pipeline)[:1]
    assert len(pipeline.functions) == 1
    assert pipeline.jobs[1].functions.keys() == pipeline.functions.keys()


# Wrong input


def fails(lay_out, kind, algo, costs=COSTS, **other) -> str:
    with pytest.raises(kind) as caught:
        lay_out(algo, costs, **other)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_inconsistent_algo_is_reported_with_the_difference(lay_out):
    calls = []

    def random(idx, net_dict, history):
        calls.append(idx)
        return network(1, 2 + len(calls))

    assert fails(lay_out, ConfigError, random) == (
        "pipeline 'adaptive': index 0: called again with the same scores, construction_algo gave another result "
        "(~fw0(n_out 3→4) ~bw0(n_out 3→4)); its result must depend on idx, net_dict and history alone"
    )
    calls.clear()

    def none_the_second_time(idx, net_dict, history):
        calls.append(idx)
        return network(1, 3) if len(calls) < 2 else None

    assert "index 0: called again with the same scores" in fails(lay_out, ConfigError, none_the_second_time)


def test_a_failed_layout_keeps_the_previous_plan(lay_out):
    from jobs.pipeline import laid_out_pipelines

    calls = []

    def random(idx, net_dict, history):
        calls.append(idx)
        return network(1, 2 + len(calls))

    fails(lay_out, ConfigError, random)
    assert laid_out_pipelines()["adaptive"].plan.phases[0].network["fw0"]["n_out"] == 3


def test_an_exception_in_the_algo_is_reported_with_index_and_line(lay_out):
    def algo(idx, net_dict, history):
        return network(1, 3 // (1 - idx))

    message = fails(lay_out, ScheduleError, algo)
    assert message.startswith("construction_algo at idx 1: ZeroDivisionError: ")
    assert "test_adaptive_pipeline.py:" in message


def test_a_missing_score_is_reported_with_the_existing_ones(lay_out):
    def misspelt(idx, net_dict, history):
        return network(1, 3 if history and history[-1]["dev"]["cost:outptu"] else 4)

    message = fails(lay_out, ScheduleError, misspelt)
    assert message.startswith("construction_algo at idx 1: KeyError: 'cost:outptu' (")
    assert message.endswith("; history has 'train' and 'dev' with 'cost:output'; did you mean 'cost:output'?")
    message = fails(lay_out, ScheduleError, while_it_improves, dev_data=())
    assert message.startswith("construction_algo at idx 1: KeyError: 'dev' (")
    assert "; history has 'train' with 'cost:output', and no 'dev', as there is no dev_data" in message


def test_missing_epochs_are_reported_with_file_and_index(lay_out):
    message = fails(lay_out, TrainingError, while_it_improves, COSTS[:3])
    assert message.endswith("scores.jsonl: index 1: no scores of epoch 4, on which the schedule depends")


def test_a_wrong_later_network_is_reported_before_its_job_is_made(lay_out):
    def algo(idx, net_dict, history):
        return network(1, 3) if idx == 0 else {"output": {"class": "sofmax", "from": "data"}}

    message = fails(lay_out, NetworkError, algo)
    assert message.startswith(
        "phase 1 (index 1): layer 'output': unknown layer class 'sofmax'; did you mean 'softmax'?"
    )


def test_an_algo_with_history_in_lay_out_names_the_function_to_call(data):
    from jobs.pipeline import lay_out as lay_out_at_once
    from sisyphus import tk

    with pytest.raises(ScheduleError, match="'async def' config that awaits lay_out_adaptive"):
        lay_out_at_once(
            "plain",
            network=network(1, 3),
            pretrain={"construction_algo": while_it_improves},
            config=CONFIG,
            extern_data=EXTERN_DATA,
            train_data=tk.Path(str(data / "train.hdf")),
        )


def test_it_starts_from_a_checkpoint_but_not_in_the_middle(lay_out, tmp_path):
    (tmp_path / "net.012.index").touch()
    started, waited = lay_out(while_it_improves, [3.0, 2.0, 2.5, 2.4], start_from="net.012")
    assert started.jobs[0].previous_checkpoint.creator.sources[0]["checkpoint"].path == "net.012.index"
    assert waited[0] == ids(started)[: len(waited[0])]
    with pytest.raises(ConfigError, match="start_from: 'epoch': found 2, expected 0, as the algo of an adaptive"):
        lay_out(while_it_improves, start_from={"checkpoint": "net.012", "epoch": 2})


@pytest.mark.parametrize("rule", ["cosine", "linear", "one_cycle", "inverse_square_root"])
def test_a_curve_over_all_epochs_needs_their_number(lay_out, rule):
    def algo(idx, net_dict, history):
        return network(1, 4) if idx == 0 else None

    curve = CONFIG | {"learning_rate": 0.01, "learning_rate_control": rule}
    with pytest.raises(
        ConfigError, match=f"'adaptive': config: learning_rate_control '{rule}' is a curve .* expected 'num_epochs'"
    ):
        lay_out(algo, num_epochs=None, config=curve)
    assert lay_out(algo, [1.0, 1.0, 1.0], num_epochs=None, config=curve | {"learning_rate_num_epochs": 4})


def test_an_algo_that_takes_a_score_without_a_number_for_one_is_told_which(lay_out):
    message = fails(lay_out, ScheduleError, while_it_improves, [3.0, None, 2.5, None])
    assert message.startswith("construction_algo at idx 2: TypeError: ")
    assert message.endswith(
        "; history has None, since there is no number, for 'cost:output' of dev in epoch 2, 'cost:output' of dev in epoch 4"
    )
