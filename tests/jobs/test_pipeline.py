"""The job graph, laid out in this process with the installed Sisyphus."""

import subprocess
import sys

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import ConfigError, DataError
from tests.jobs.conftest import ROOT
from tests.tiny import CONFIG, EXTERN_DATA, network, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def lay_out(data):
    from jobs.pipeline import lay_out as lay_out_pipeline
    from sisyphus import tk

    def lay_out(widths=(4, 6), final=None, **other):
        def algo(idx, net_dict):
            return network(1, widths[idx]) if idx < len(widths) else None

        arguments = {
            "network": final or network(2, 6),
            "pretrain": {"construction_algo": algo, "repetitions": 2, "copy_param_mode": "subset"},
            "num_epochs": 10,
            "config": CONFIG | {"learning_rate": 0.01},
            "extern_data": EXTERN_DATA,
            "train_data": tk.Path(str(data / "train.hdf"), hash_overwrite="train"),
            "dev_data": tk.Path(str(data / "dev.hdf"), hash_overwrite="dev"),
        }
        return lay_out_pipeline("test", **(arguments | other))

    return lay_out


def ids(pipeline) -> list[str]:
    return [job.job_id() for job in pipeline.jobs]


def test_each_phase_has_a_job_that_starts_from_the_previous_checkpoint(lay_out):
    pipeline = lay_out()
    assert [job.previous_checkpoint for job in pipeline.jobs] == [None, *(j.out_checkpoint for j in pipeline.jobs[:-1])]
    assert [[p["first_epoch"] for p in job.phases] for job in pipeline.jobs] == [[1], [3], [5]]
    assert pipeline.jobs[-1].phases[-1]["last_epoch"] == 10


def test_an_unknown_order_of_sequences_names_the_option(lay_out):
    message = r"^phase 0 \(index 0\): config: batching: found 'randm', expected one of .*; did you mean 'random'\?$"
    with pytest.raises(DataError, match=message):
        lay_out(config=CONFIG | {"batching": "randm"})


def test_golden_job_ids():
    """
    Also the ids under upstream Sisyphus (commit 21ba6848). A change here discards trained models, so it needs a very good
    reason.
    """
    from jobs.cmudict_lexicon import CmuDictLexiconJob
    from jobs.ctc_search import CtcSearchJob
    from jobs.lexicon_to_hdf import LexiconToHdfJob, WordsToHdfJob
    from jobs.phase_training import PhaseTrainingJob
    from jobs.pronunciation_scoring import PronunciationScoringJob
    from jobs.report import ReportJob
    from sisyphus import tk

    network, train = {"output": {"class": "softmax"}}, {"class": "HDFDataset", "files": [tk.Path("train.hdf")]}
    training = PhaseTrainingJob(
        phases=[{"index": 0, "start": 1, "first_epoch": 1, "last_epoch": 2, "network": network, "train": train}],
        extern_data={"data": {"dim": 3}},
    )
    lexicon = CmuDictLexiconJob(num_words=10)
    data = LexiconToHdfJob(lexicon=lexicon.out_train, frames_per_letter=2)
    words = WordsToHdfJob(lexicon=lexicon.out_test)
    search = CtcSearchJob(checkpoint=training.out_checkpoint, extern_data={"data": {"dim": 3}}, data=[words.out_hdf])
    scoring = PronunciationScoringJob(hypotheses=search.out_hypotheses, lexicon=lexicon.out_test)
    report = ReportJob(title="t", phases=[], scores=[training.out_scores])
    assert [job.job_id() for job in (training, lexicon, data, words, search, scoring, report)] == [
        "jobs/phase_training/PhaseTrainingJob.HUzzASyfChtj",
        "jobs/cmudict_lexicon/CmuDictLexiconJob.y5YxiCCBE7v6",
        "jobs/lexicon_to_hdf/LexiconToHdfJob.fUOhwkOflMyX",
        "jobs/lexicon_to_hdf/WordsToHdfJob.mfxse7No9NcA",
        "jobs/ctc_search/CtcSearchJob.PiZedETJ6quG",
        "jobs/pronunciation_scoring/PronunciationScoringJob.F3p7oAAq9AhZ",
        "jobs/report/ReportJob.c8TPvfMB7OQ1",
    ]


def test_a_change_of_the_last_index_keeps_the_jobs_before_it(lay_out):
    one, two = ids(lay_out((4, 6))), ids(lay_out((4, 5)))
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert one[2] != two[2]


def test_more_epochs_at_the_end_keep_the_jobs_before(lay_out):
    one, two = ids(lay_out()), ids(lay_out(num_epochs=12))
    assert one[:2] == two[:2]
    assert one[2] != two[2]


def test_later_learning_rates_do_not_enter_the_hash_of_earlier_jobs(lay_out):
    rates = [0.01] * 10
    config = CONFIG | {"use_learning_rate_control_always": True}
    one = ids(lay_out(config=config | {"learning_rates": rates}))
    two = ids(lay_out(config=config | {"learning_rates": [*rates[:6], 0.005]}))
    assert one[:2] == two[:2]
    assert one[2] != two[2]


def test_later_learning_rates_of_a_rule_do_not_enter_the_hash_of_earlier_jobs(lay_out):
    config = CONFIG | {"learning_rate_control": "newbob", "learning_rate_decay": lambda rate: rate * 0.9}
    one = ids(lay_out(config=config))
    two = ids(lay_out(config=config | {"learning_rates": {8: 0.005}}))
    assert one[:2] == two[:2]
    assert one[2] != two[2]


def test_a_rule_whose_score_is_never_computed_is_an_error(lay_out):
    config = CONFIG | {"learning_rate_control": "newbob", "learning_rate_control_error_measure": "dev_eror"}
    with pytest.raises(ConfigError, match=r"'dev_eror', which no phase computes, .*; did you mean 'dev_error'"):
        lay_out(config=config)


def test_requirements_do_not_enter_the_hash(lay_out):
    assert ids(lay_out()) == ids(lay_out(rqmt={"gpu": 1, "mem": 16, "time": 100}))


def test_numpy_numbers_and_tuples_hash_like_plain_values(lay_out):
    import numpy as np

    plain = lay_out((4, 6))
    assert ids(plain) == ids(lay_out((np.int64(4), np.int32(6))))


def test_a_function_in_a_net_dict_is_hashed_by_its_source_and_captured_values(lay_out):
    def with_function(function):
        net = network(1, 4) | {"more": {"class": "eval", "from": "output", "eval": function, "is_output_layer": True}}
        return ids(lay_out((), final=net, pretrain=None))

    def scaled(factor):
        def scale(source):
            return source(0) * factor

        return scale

    assert with_function(scaled(2)) == with_function(scaled(2))
    assert with_function(scaled(2)) != with_function(scaled(3))


@pytest.mark.parametrize(("indices_per_job", "counts"), [(1, [1, 1, 1]), (2, [2, 1]), (None, [3]), (5, [3])])
def test_consecutive_indices_share_a_job(lay_out, indices_per_job, counts):
    assert [len(job.phases) for job in lay_out(indices_per_job=indices_per_job).jobs] == counts


def test_aliases_contain_the_indices_of_a_job(lay_out):
    assert [min(job.get_aliases()) for job in lay_out(indices_per_job=2).jobs] == [
        "test/phase.00-01",
        "test/phase.final",
    ]


def test_the_phase_table_lists_the_changes(lay_out):
    rows = lay_out().rows
    assert [row["index"] for row in rows] == [0, 1, None]
    assert rows[1]["changed"]["fw0"] == ["n_out: 4 → 6"]
    assert rows[2]["added"] == ["fw1", "bw1"]
    assert rows[2]["growth"] == {"copied": 9, "grown": 0, "initialised": 6, "dropped": 0}


@pytest.mark.parametrize("config", ["config/g2p.demo", "config/g2p.py"])
def test_laying_out_a_config_takes_under_a_second_and_no_tensorflow(config, tmp_path):
    """
    The best of three, in seconds of processor time: a loaded machine makes everything last longer, and the first run may
    read Python's files from a cold disk. In a folder without jobs: data of jobs that are finished is checked, with h5py.
    """
    (tmp_path / "settings.py").symlink_to(ROOT / "settings.py")
    path, function = config.replace("/", ".").rsplit(".", 1)
    code = (
        "import sys, time, jobs, importlib;"
        f"getattr(importlib.import_module({path!r}), {function!r})();"
        "print(time.process_time(), *({'tensorflow', 'keras', 'h5py', 'boulder.returnn'} & sys.modules.keys()))"
    )
    started = {"cwd": tmp_path, "capture_output": True, "text": True}
    best = 10.0
    for _ in range(3):
        run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], **started, check=True)
        seconds, *loaded = run.stdout.split()
        assert loaded == []
        best = min(best, float(seconds))
    assert best < 1


def test_growth_options_reach_the_job_if_they_differ_from_the_default(data):
    from jobs.pipeline import lay_out as lay_out_pipeline
    from sisyphus import tk

    def algo(idx, net_dict):
        if idx == 2:
            return None
        more = {"#init_from": {"fw1": "fw0"}, "#carry_optimizer": "grow", "#copy_param_mode": "stack"}
        return network(idx + 1, 6) | (more if idx == 1 else {})

    pipeline = lay_out_pipeline(
        "growth",
        network=network(2, 6),
        pretrain={"construction_algo": algo, "greedy": True, "copy_output_layer": False},
        num_epochs=5,
        config=CONFIG,
        extern_data=EXTERN_DATA,
        train_data=tk.Path(str(data / "train.hdf")),
    )
    first, second = (job.phases[0] for job in pipeline.jobs[:2])
    assert not {"init_from", "carry_optimizer", "reset_layers", "trainable_layers"} & set(first)
    assert second["init_from"] == {"fw1": "fw0"}
    assert second["carry_optimizer"] == "grow"
    assert second["reset_layers"] == ["output"]
    assert second["trainable_layers"] == ["fw1", "bw1", "output"]
    # bw1 matches no trained layer, the rows of fw1 have no source in fw0, and output is reset
    assert pipeline.rows[1]["growth"] == {"copied": 9, "grown": 0, "initialised": 6, "dropped": 0}


def test_all_jobs_name_the_losses_of_the_whole_training_without_another_id(lay_out):
    aux = {"class": "softmax", "from": "data", "loss": "ce", "target": "classes", "loss_scale": 0.5}
    alone, both = lay_out(), lay_out(final=network(2, 6) | {"aux": aux})
    assert both.losses == {"cost:output", "error:output", "cost:aux", "error:aux"}
    assert all(job.losses >= both.losses for job in both.jobs)  # more, if experiments share a job
    assert ids(alone)[:-1] == ids(both)[:-1]
