"""Runs workers as jobs of Son of Grid Engine. Class and arguments are upstream's, so that one settings.py serves both."""

import math
import os
import shlex
import subprocess
from xml.etree import ElementTree

import sisyphus.global_settings as gs
from sisyphus.cluster_engine import ClusterEngine, log

TIME_TO_SAVE = (
    60  #: SIGUSR1 warns a job this many seconds before its time limit; a tenth of the limit if that is shorter
)


def escape_name(name):
    """Converts a task name to a job name. settings.py may replace this function, here and in upstream's module: neither engine
    has an argument for it.
    """
    return name.replace("/", ".")


class SonOfGridEngine(ClusterEngine):
    ENGINE_NAME = "sge"
    SCHEDULER = "Grid Engine"
    NOT_NOW = ("Connection refused", "jobs are allowed per")
    IN_DOUBT = ("timeout", "read error")

    def __init__(self, default_rqmt, gateway=None, auto_clean_eqw=True, ignore_jobs=None, pe_name="mpi"):
        """
        auto_clean_eqw: whether jobs that could not be started (state Eqw) are tried again.
        pe_name: parallel environment of jobs with multi_node_slots.
        """
        super().__init__(default_rqmt, gateway, ignore_jobs)
        self.auto_clean_eqw = auto_clean_eqw
        self.pe_name = pe_name
        self._cleaned = set()  # jobs that were reported

    def process_task_name(self, name):
        return escape_name(name)

    def list_jobs(self, user):
        for job in ElementTree.fromstring(self.ask(["qstat", "-xml", "-u", user])).iter("job_list"):
            name, job_id, letters = (job.findtext(tag, "") for tag in ("JB_name", "JB_job_number", "state"))
            state = parse_state(letters)
            for task_id in parse_task_ids(job.findtext("tasks", "1")):
                if state == gs.STATE_QUEUE_ERROR and self.auto_clean_eqw:
                    self._clean(f"{job_id}.{task_id}", name)
                    yield name, task_id, job_id, gs.STATE_QUEUE
                else:
                    yield name, task_id, job_id, state

    def _clean(self, job, name):
        try:
            self.call(["qmod", "-cj", job])
        except subprocess.TimeoutExpired:
            return  # tried again in the next round
        if job not in self._cleaned:
            log.warning(
                f"Grid Engine could not start {job} {name} and tries again; for the reason: qstat -j {job.split('.')[0]}"
            )
        self._cleaned.add(job)

    # submission

    def options(self, rqmt):
        """Returns options of qsub."""
        ask = {"num_proc": rqmt.get("cpu", 1)}
        if rqmt.get("gpu", 0) > 0:
            ask["gpu"] = rqmt["gpu"]  # only if needed: not every cell has this resource
        if "mem" in rqmt:
            ask["s_vmem"] = ask["h_rss"] = f"{math.ceil(float(rqmt['mem']) * 1024)}M"
        if "rss" in rqmt:
            ask["h_rss"] = f"{math.ceil(float(rqmt['rss']) * 1024)}M"
        if "file_size" in rqmt:
            ask["h_fsize"] = f"{math.ceil(float(rqmt['file_size']))}G"
        if "time" in rqmt:
            ask["h_rt"] = math.ceil(float(rqmt["time"]) * 3600)
            ask["s_rt"] = ask["h_rt"] - min(TIME_TO_SAVE, ask["h_rt"] // 10)
        out = ["-l", ",".join(f"{name}={value}" for name, value in ask.items())]
        if rqmt.get("multi_node_slots"):
            out += ["-pe", self.pe_name, str(rqmt["multi_node_slots"])]
        extra = rqmt.get("qsub_args", [])
        return out + (extra.split() if isinstance(extra, str) else list(extra))

    def batches(self, rqmt, task_ids):
        """Splits ids into ranges with a step, as qsub takes them."""
        runs = []
        for task_id in task_ids:
            run = runs[-1] if runs else []
            if len(run) == 1 or (len(run) > 1 and task_id - run[-1] == run[1] - run[0]):
                run.append(task_id)
            else:
                runs.append([task_id])
        return runs

    def submission(self, call, logpath, rqmt, name, task_ids):
        where = call.index(gs.CMD_WORKER) + 1
        call = [*call[:where], "--redirect_output", *call[where:]]
        step = task_ids[1] - task_ids[0] if len(task_ids) > 1 else 1
        command = ["qsub", "-terse", "-cwd", "-N", name, "-S", "/bin/bash", "-r", "y", "-m", "n"]
        command += ["-j", "y", "-o", logpath, "-t", f"{task_ids[0]}-{task_ids[-1]}:{step}", *self.options(rqmt)]
        # s_vmem sets two limits. sge_execd enforces one on resident memory and warns with SIGXCPU, as `mem` should. Its
        # shepherd limits the address space, of which CUDA takes more than any machine has memory; ulimit lifts that one.
        # exec: Grid Engine's signals must reach the worker.
        return command, f"ulimit -S -v hard\nexec {shlex.join(call)}\n"

    def job_id(self, stdout):
        return stdout.split()[-1].split(".")[0]

    # in a worker

    @staticmethod
    def get_task_id(task_id):
        task_id = task_id or os.environ.get("SGE_TASK_ID", 1)
        return 1 if task_id == "undefined" else int(task_id)

    def get_rank(self):
        return int(os.environ.get("PE_RANK", 0))  # set by the process that starts the other workers

    def get_job_node_hostnames(self):
        with open(os.environ["PE_HOSTFILE"], encoding="utf-8") as file:
            return sorted({line.split()[0] for line in file if line.strip()})


def parse_state(state):
    """Takes the letters of qstat(1): r, t, s, ... of a job that runs, is transferred or suspended; Rq waits to run again."""
    if "E" in state:
        return gs.STATE_QUEUE_ERROR
    return gs.STATE_RUNNING if set(state) & set("rtsST") else gs.STATE_QUEUE


def parse_task_ids(text):
    """ "1", "2-6:2", "1,3-5:1" """
    for part in text.split(","):
        first, _, rest = part.partition("-")
        last, _, step = rest.partition(":")
        yield from range(int(first), int(last or first) + 1, int(step or 1))
