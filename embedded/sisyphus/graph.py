"""The graph: targets, and the jobs that they depend on through inputs."""

import collections

import sisyphus.global_settings as gs
from sisyphus.targets import OutputCall as OutputCall
from sisyphus.targets import OutputPath as OutputPath
from sisyphus.targets import OutputReport as OutputReport
from sisyphus.targets import OutputTarget as OutputTarget


class NameTaken(Exception):
    """Two outputs have the same name."""


class SISGraph:
    def __init__(self):
        self._targets = {}  # dicts serve as ordered sets
        self._active_targets = {}

    @property
    def targets(self):
        return self._targets.keys()

    @property
    def active_targets(self):
        return self._active_targets.keys()

    def add_target(self, target):
        if target not in self._targets:
            self._targets[target] = None
            if not target.is_done():
                self._active_targets[target] = None

    @property
    def outputs(self):
        return [target for target in list(self._targets) if isinstance(target, OutputPath)]

    def check_names(self):
        """Raises NameTaken if two outputs have the same name: the link can lead to one of them only."""
        known = {}
        for target in self.outputs:
            other = known.setdefault(target.name, target)
            if other is not target:
                one, two = (f"{t.path.rel_path()} ({t.place})" for t in (other, target))
                raise NameTaken(f"two outputs are called {target.name!r}: {one} and {two}; rename one of them")

    def remove_from_active_targets(self, target):
        self._active_targets.pop(target, None)

    def forget_states(self, wanted):
        """Forgets the states of all jobs and targets. `wanted`: ids of jobs to run although no target needs them."""
        for job in self.jobs(update_graph=False):
            job._sis_is_finished = job._sis_setup_since_restart = False
            if job._sis_id() in wanted:
                self.add_target(OutputTarget(name="wanted", inputs=list(job._sis_outputs.values())))
        for target in self._targets:
            target.reopen()
            self._active_targets[target] = None

    def for_all_nodes(self, f, nodes=None, bottom_up=False, *, update_graph=True, pool=None):
        """Calls f with each job on the way from the targets to the inputs; stops descending where f returns False."""
        if nodes is None:
            targets = list(self._targets)  # an async config may add targets while another thread iterates
            nodes = [p.creator for t in targets for p in t.required_full_list if p.creator]
        seen, order, stack = set(), [], list(reversed(nodes))
        while stack:
            job = stack.pop()
            if job._sis_id() in seen:
                continue
            seen.add(job._sis_id())
            order.append(job)
            if update_graph:
                job._sis_runnable()
            answer = None if bottom_up else f(job)
            if answer is None or answer:
                stack.extend(path.creator for path in job._sis_inputs if path.creator)
        if bottom_up:
            for job in reversed(order):
                f(job)
        return seen

    def jobs(self, *, update_graph=True) -> list:
        found = []
        self.for_all_nodes(found.append, update_graph=update_graph)
        return found

    def jobs_sorted(self, *, update_graph=True):
        """Yields the jobs in topological order, ties broken by id."""
        jobs = {job._sis_id(): job for job in self.jobs(update_graph=update_graph)}
        needs = {name: {p.creator._sis_id() for p in job._sis_inputs if p.creator} for name, job in jobs.items()}
        users = collections.defaultdict(set)
        for name, inputs in needs.items():
            for needed in inputs:
                users[needed].add(name)
        stack = sorted((name for name, inputs in needs.items() if not inputs), reverse=True)
        while stack:
            name = stack.pop()
            yield jobs[name]
            for user in users[name]:
                needs[user].discard(name)
            stack += sorted((user for user in users[name] if not needs[user]), reverse=True)

    def find(self, pattern) -> list:
        """Finds jobs by a part of their directory, name or alias."""

        def names(job):
            return [job._sis_path(), job.get_vis_name() or "", *(job.get_aliases() or ())]

        return [job for job in self.jobs() if any(pattern in name for name in names(job))]

    def get_jobs_by_status(self, nodes=None, engine=None, skip_finished=False) -> dict:
        """Returns {state: set of jobs}; under input_path and input_missing, the paths that no job makes."""
        states = collections.defaultdict(set)

        def judge(job):
            state = job._sis_state(engine)
            if state == gs.STATE_FINISHED and skip_finished:
                return False
            states[state].add(job)
            for path in job._sis_inputs:
                if path.creator is None:
                    known = gs.STATE_INPUT_PATH if path.available() else gs.STATE_INPUT_MISSING
                    states[known].add(path.get_path())
            return True

        self.for_all_nodes(judge, nodes=nodes, update_graph=False)
        return states


graph = SISGraph()
