"""`lay_out`: makes the job graph of an experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Unpack

from boulder.schedule import Plan
from boulder.schedule import plan as make_plan
from jobs.announced import announced
from jobs.announced import laid_out_pipelines as laid_out_pipelines
from jobs.experiment import Experiment, ExperimentOptions
from jobs.further_epochs import ends_before
from jobs.further_epochs import further_epochs as all_further_epochs
from jobs.laid_out import Pipeline
from jobs.layout import Layout
from jobs.live_report import watch


def lay_out(name: str, **arguments: Unpack[ExperimentOptions]) -> Pipeline:
    """
    Lays out the jobs of an experiment.

        training = lay_out("name", network=…, config=…, extern_data=…, train_data=tk.Path("train.hdf"))
        tk.register_output("name/checkpoint.h5", training.checkpoint)

    :param name: of the pipeline
    :param arguments: the fields of `jobs.experiment.Experiment`, which lists them
    :raises BoulderError: for a wrong argument, and if a phase cannot be trained; names the phase. In a command, also for a name
        that another pipeline has.
    """
    experiment = Experiment.of(name, arguments)
    further = all_further_epochs(name, experiment.further_epochs)
    planned = _planner(experiment)(sum(further))
    num_epochs = planned.num_epochs - sum(further)
    pipeline = Layout(experiment).pipeline(planned, ends_before(num_epochs, further), num_epochs=num_epochs)
    laid_out = announced(name, replace(pipeline, further_epochs=further))
    if experiment.report:
        watch(name)
    return laid_out


def _planner(experiment: Experiment) -> Callable[[int], Plan]:
    """:return: a function from a number of further epochs to the plan"""
    if experiment.plan is None:
        return partial(_planned, experiment)
    return experiment.plan.longer if isinstance(experiment.plan, Plan) else experiment.plan


def _planned(experiment: Experiment, further: int) -> Plan:
    num_epochs = experiment.num_epochs
    if further and num_epochs is None:
        num_epochs = make_plan(experiment.network, experiment.pretrain).num_epochs
    return make_plan(experiment.network, experiment.pretrain, num_epochs=num_epochs and num_epochs + further)
