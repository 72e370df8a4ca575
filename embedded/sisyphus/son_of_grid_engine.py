"""Runs workers as jobs of Son of Grid Engine. The class and its arguments are upstream's, so that one settings.py serves both."""

import math
import os
import shlex
import subprocess
from xml.etree import ElementTree

import sisyphus.global_settings as gs
from sisyphus.cluster_engine import ClusterEngine, log

TIME_TO_SAVE = 60  #: seconds before its end in which a job is warned by SIGUSR1; less if it has less than 10 minutes


def escape_name(name):
    """Of a job. settings.py may replace this function, in upstream's module too: neither engine has an argument for it."""
    return name.replace("/", ".")


class SonOfGridEngine(ClusterEngine):
    ENGINE_NAME = "sge"
    SCHEDULER = "Grid Engine"
    NOT_NOW = ("Connection refused", "jobs are allowed per")
    IN_DOUBT = ("timeout", "read error")

    def __init__(self, default_rqmt, gateway=None, auto_clean_eqw=True, ignore_jobs=None, pe_name="mpi"):
        """
        auto_clean_eqw: jobs that could not be started, state Eqw, are tried again.
        pe_name: the parallel environment of jobs with multi_node_slots.
        """
        super().__init__(default_rqmt, gateway, ignore_jobs)
        self.auto_clean_eqw = auto_clean_eqw
        self.pe_name = pe_name
        self._cleaned = set()  # jobs of which it was said

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
            return  # in the next round again
        if job not in self._cleaned:
            log.warning(f"Grid Engine could not start {job} {name} and tries again; why: qstat -j {job.split('.')[0]}")
        self._cleaned.add(job)

    # submission

    def options(self, rqmt):
        """Of qsub."""
        ask = {"num_proc": rqmt.get("cpu", 1)}
        if rqmt.get("gpu", 0) > 0:
            ask["gpu"] = rqmt["gpu"]  # only then: not every cell has such a resource
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
        """qsub takes a range with a step."""
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
        # s_vmem is two limits: sge_execd watches over the memory that is resident and warns by SIGXCPU, which is what mem
        # means; its shepherd limits addresses, of which CUDA takes more than any machine has memory. That one goes.
        # exec: Grid Engine's signals are for the worker.
        return command, f"ulimit -S -v hard\nexec {shlex.join(call)}\n"

    def job_id(self, stdout):
        return stdout.split()[-1].split(".")[0]

    # in a worker

    @staticmethod
    def get_task_id(task_id):
        task_id = task_id or os.environ.get("SGE_TASK_ID", 1)
        return 1 if task_id == "undefined" else int(task_id)

    def get_rank(self):
        return int(os.environ.get("PE_RANK", 0))  # who starts the others tells them

    def get_job_node_hostnames(self):
        with open(os.environ["PE_HOSTFILE"], encoding="utf-8") as file:
            return sorted({line.split()[0] for line in file if line.strip()})


def parse_state(state):
    """Letters of qstat(1): of a job that runs, is transferred, suspended, ...; Rq waits to run again."""
    if "E" in state:
        return gs.STATE_QUEUE_ERROR
    return gs.STATE_RUNNING if set(state) & set("rtsST") else gs.STATE_QUEUE


def parse_task_ids(text):
    """ "1", "2-6:2", "1,3-5:1" """
    for part in text.split(","):
        first, _, rest = part.partition("-")
        last, _, step = rest.partition(":")
        yield from range(int(first), int(last or first) + 1, int(step or 1))
