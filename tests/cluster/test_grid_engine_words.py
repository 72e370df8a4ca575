"""Options the engine passes to qsub, and how it reads the output of qstat. Needs no Grid Engine."""

import subprocess

import pytest

import jobs  # noqa: F401  (makes sisyphus importable)
from sisyphus import gs
from sisyphus.son_of_grid_engine import SonOfGridEngine, parse_state, parse_task_ids

JOB = "<job_list><JB_job_number>{}</JB_job_number><JB_name>{}</JB_name><state>{}</state>{}</job_list>"
JOBS = [
    (7, "a.run", "r", "<tasks>2</tasks>"),
    (7, "a.run", "qw", "<tasks>4-8:2,11</tasks>"),
    (8, "b.run", "Eqw", "<tasks>1-1:1</tasks>"),
    (9, "by-hand", "r", ""),
]


class Recorded(SonOfGridEngine):
    """Records its commands instead of calling them."""

    def __init__(self, **options):
        super().__init__({}, **options)
        self.calls = []

    def call(self, command, stdin=None):
        self.calls.append(command)
        found = "".join(JOB.format(*job) for job in JOBS)
        return subprocess.CompletedProcess(command, 0, f"<job_info>{found}</job_info>", "")


@pytest.fixture
def engine():
    return Recorded()


def asked(engine, **rqmt):
    """:return: resources, and the other options"""
    option, resources, *others = engine.options(rqmt)
    assert option == "-l"
    return dict(word.split("=") for word in resources.split(",")), others


def test_memory_limits_the_resident_size_and_never_the_address_space(engine):
    resources, _ = asked(engine, mem=1.5)
    assert resources == {"num_proc": "1", "h_rss": "1536M", "s_vmem": "1536M"}
    _, script = engine.submission(["sis", "worker", "work/a", "run"], "work/a/engine", {"mem": 1}, "a.run", [1])
    assert script == "ulimit -S -v hard\nexec sis worker --redirect_output work/a run\n"


def test_a_gpu_is_requested_only_if_the_job_needs_one(engine):
    assert asked(engine, gpu=2)[0]["gpu"] == "2"
    assert "gpu" not in asked(engine, gpu=0)[0]


@pytest.mark.parametrize(("hours", "hard", "soft"), [(4, "14400", "14340"), (1 / 60, "60", "54"), (0.1, "360", "324")])
def test_the_warning_comes_a_minute_or_a_tenth_of_the_time_before_the_end(engine, hours, hard, soft):
    resources, _ = asked(engine, time=hours)
    assert (resources["h_rt"], resources["s_rt"]) == (hard, soft)


def test_nodes_are_slots_of_the_parallel_environment_and_qsub_args_come_last():
    _, others = asked(Recorded(pe_name="mine"), multi_node_slots=3, qsub_args="-q all.q -P us")
    assert others == ["-pe", "mine", "3", "-q", "all.q", "-P", "us"]


def test_the_task_ids_of_a_submission_have_equal_steps(engine):
    assert engine.batches({}, [1, 2, 3, 7, 9, 11, 12]) == [[1, 2, 3], [7, 9, 11], [12]]
    assert engine.batches({}, [5]) == [[5]]
    for ids, said in (([7, 9, 11], "7-11:2"), ([5], "5-5:1")):
        command, _ = engine.submission(["sis", "worker", "work/a", "run"], "engine", {}, "a.run", ids)
        assert command[command.index("-t") + 1] == said


def test_task_ids_are_read_as_qstat_writes_them():
    texts = ("3", "1-1:1", "2-6:2", "1,4-5:1")
    assert [list(parse_task_ids(text)) for text in texts] == [[3], [1], [2, 4, 6], [1, 4, 5]]


@pytest.mark.parametrize(
    ("expected", "states"),
    [
        (gs.STATE_RUNNING, ["r", "t", "Rr", "Rt", "dr", "s", "S", "T", "ts", "hr"]),
        (gs.STATE_QUEUE, ["qw", "hqw", "Rq", "hRwq"]),
        (gs.STATE_QUEUE_ERROR, ["Eqw", "EhRqw"]),
    ],
)
def test_states_of_qstat_are_those_of_sisyphus(expected, states):
    assert {state: parse_state(state) for state in states} == dict.fromkeys(states, expected)


def test_one_qstat_lists_all_jobs_and_those_that_could_not_start_are_retried(engine):
    found = list(engine.list_jobs("me"))
    assert ("b.run", 1, "8", gs.STATE_QUEUE) in found
    assert [job[:3] for job in found] == [
        ("a.run", 2, "7"), ("a.run", 4, "7"), ("a.run", 6, "7"), ("a.run", 8, "7"), ("a.run", 11, "7"),
        ("b.run", 1, "8"), ("by-hand", 1, "9"),
    ]  # fmt: skip
    assert engine.calls == [["qstat", "-xml", "-u", "me"], ["qmod", "-cj", "8.1"]]


def test_auto_clean_eqw_false_leaves_a_job_that_could_not_start_alone():
    engine = Recorded(auto_clean_eqw=False)
    assert ("b.run", 1, "8", gs.STATE_QUEUE_ERROR) in list(engine.list_jobs("me"))
    assert engine.calls == [["qstat", "-xml", "-u", "me"]]


def test_the_task_id_is_that_of_grid_engine(monkeypatch):
    for said, task_id in (("4", 4), ("undefined", 1)):
        monkeypatch.setenv("SGE_TASK_ID", said)
        assert SonOfGridEngine.get_task_id(None) == task_id


def test_the_nodes_of_a_job_are_those_of_its_host_file(engine, tmp_path, monkeypatch):
    (tmp_path / "hosts").write_text("node2 1 all.q@node2 UNDEFINED\nnode1 2 all.q@node1 UNDEFINED\n")
    monkeypatch.setenv("PE_HOSTFILE", str(tmp_path / "hosts"))
    assert engine.get_job_node_hostnames() == ["node1", "node2"]
