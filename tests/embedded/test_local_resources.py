"""Jobs wait until the requested resources are free; each GPU has one job; settings define the environment of jobs."""

import signal
import time


def test_jobs_wait_for_free_cpus_and_memory(experiment):
    experiment.config(
        "class Timed(Step):\n"
        "    def work(self):\n"
        "        note('begin', time.time()); time.sleep(0.4); note('end', time.time())\n"
        "def py():\n"
        "    for i in range(4):\n"
        "        tk.register_output(f'cpu/{i}', Timed(i, rqmt={'cpu': 1, 'mem': 0.1}).out)\n"
        "    for i in range(2):\n"
        "        tk.register_output(f'mem/{i}', Timed(i, rqmt={'cpu': 0, 'mem': 3}).out)"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    events = [(float(t), 1) for t in experiment.notes("begin")] + [(float(t), -1) for t in experiment.notes("end")]
    running = most = 0
    for _, change in sorted(events):
        running += change
        most = max(most, running)
    assert 2 <= most <= 3  # two cpu jobs and one of the memory jobs


def test_each_gpu_job_sees_its_own_gpu_and_others_none(experiment):
    experiment.config(
        "def py():\n"
        "    for i in range(2):\n"
        "        tk.register_output(f'{i}', Gpu(i, rqmt={'cpu': 1, 'gpu': 1, 'mem': 0.1}).out)\n"
        "    tk.register_output('both', Gpu(3, rqmt={'cpu': 1, 'gpu': 2, 'mem': 0.1}).out)\n"
        "    tk.register_output('none', Gpu(4).out)"
    )
    assert experiment.manager("-r", "setups/config.py").returncode == 0
    assert sorted(experiment.notes("gpus")) == ["", "3", "3,5", "5"]


def test_a_request_for_more_than_the_machine_has_is_an_error(experiment):
    experiment.config("def py():\n    tk.register_output('out', Step(1, rqmt={'mem': 5}).out)")
    start = time.time()
    done = experiment.manager("-r", "setups/config.py")
    assert done.returncode == 1
    assert "requests more than this machine has (mem=5.0 of 4): lower its rqmt" in done.output
    assert "queue_error(1)" in done.output
    assert time.time() - start < 5


def test_job_found_running_keeps_its_resources(experiment, wait_for):
    experiment.config(
        "def py():\n"
        "    tk.register_output('long', Waiter(15, rqmt={'cpu': 2, 'mem': 0.1}).out)\n"
        "def more():\n"
        "    py()\n"
        "    tk.register_output('short', Step(1).out)"
    )
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: experiment.notes("from"))
    manager.kill()
    manager.wait()
    assert experiment.finish_once_running("-r", "setups/config.more") == 0
    assert experiment.notes("ran") == ["15", "1"]
    ended = (experiment.job("Waiter") / "finished.run.1").stat().st_mtime
    assert (experiment.job("Step") / "usage.run.1").stat().st_ctime > ended


def test_environment_is_cleaned(experiment):
    with open(experiment.directory / "settings.py", "a") as file:
        file.write(
            "DEFAULT_ENVIRONMENT_KEEP.add('KEPT')\n"
            "DEFAULT_ENVIRONMENT_SET['ADDED'] = 'x$OUTER'\n"
            "DEFAULT_ENVIRONMENT_SET['OMP_NUM_THREADS'] = 7\n"
        )
    experiment.config(
        "class Env(Step):\n"
        "    def work(self):\n"
        "        note('env', [os.environ.get(k) for k in ('KEPT', 'OUTER', 'ADDED', 'OMP_NUM_THREADS', 'MINE')])\n"
        "        note('cwd', os.getcwd())\n"
        "def py():\n"
        "    job = Env(1)\n"
        "    job.set_env('MINE', '$OUTER')\n"
        "    tk.register_output('out', job.out)"
    )
    assert experiment.manager("-r", "setups/config.py", KEPT="k", OUTER="o").returncode == 0
    assert experiment.notes("env") == ["['k', None, 'xo', '7', '$OUTER']"]
    assert experiment.notes("cwd") == [str(experiment.job("Env") / "work")]


def test_settings_come_from_the_environment_and_wrap_workers(experiment):
    with open(experiment.directory / "settings.py", "a") as file:
        file.write(
            "def worker_wrapper(job, task_name, call):\n"
            "    return ['env', f'WRAPPED={task_name}', *call]\n"
            "DEFAULT_ENVIRONMENT_KEEP.add('WRAPPED')\n"
            "def check_engine_limits(current_rqmt, task):\n"
            "    return {**current_rqmt, 'mem': 0.25}\n"
            "def on_job_finished(job):\n"
            "    open('hooks', 'a').write(f'{job.n}\\n')\n"
        )
    experiment.config(
        "class Wrapped(Step):\n"
        "    def work(self):\n"
        "        note('wrapped', os.environ['WRAPPED'])\n"
        "def py():\n"
        "    tk.register_output('out', Wrapped(1).out)"
    )
    done = experiment.manager("-r", "setups/config.py", SIS_WORK_DIR="elsewhere")
    assert done.returncode == 0, done.output
    assert experiment.notes("wrapped") == ["run"]
    assert (experiment.directory / "hooks").read_text() == "1\n"
    (log,) = (experiment.directory / "elsewhere").glob("**/submit_log.run")
    assert "'mem': 0.25" in log.read_text()


def test_the_selector_runs_mini_tasks_in_parallel_and_stops_all_engines(experiment, wait_for):
    with open(experiment.directory / "settings.py", "a") as file:
        file.write(
            "def engine():\n"
            "    from sisyphus.engine import EngineSelector\n"
            "    from sisyphus.localengine import LocalEngine\n"
            "    engines = {'short': LocalEngine(cpu=1), 'long': LocalEngine(cpu=1, mem=4)}\n"
            "    return EngineSelector(engines=engines, default_engine='long')\n"
        )
    experiment.config(
        "class Mini(Waiter):\n"
        "    def tasks(self):\n"
        "        yield Task('run', resume='run', mini_task=True)\n"
        "def py():\n"
        "    tk.register_output('mini', Mini(1).out)\n"
        "    tk.register_output('long', Waiter(2).out)"
    )
    manager = experiment.start("-r", "setups/config.py")
    wait_for(lambda: len(experiment.notes("from")) == 2)
    assert "'engine': 'short'" in (experiment.job("Mini") / "submit_log.run").read_text()
    manager.send_signal(signal.SIGINT)
    assert manager.wait(10) == 130
    assert len(experiment.notes("saved")) == 2
    (experiment.directory / "go").touch()
    assert experiment.manager("-r", "setups/config.py").returncode == 0
