"""Phases → job graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from boulder.errors import ConfigError
from boulder.schedule import Plan
from boulder.schedule import plan as make_plan
from jobs.further_epochs import ends_before
from jobs.further_epochs import further_epochs as all_further_epochs
from jobs.layout import Layout, Pipeline
from jobs.workdir.stale import ask_for_reruns
from sisyphus import tk

_laid_out: dict[str, Pipeline] = {}


def laid_out_pipelines() -> dict[str, Pipeline]:
    """:return: name → pipeline, of all that this process has laid out; `boulder run` shows them"""
    return _laid_out


def announced(name: str, pipeline: Pipeline) -> Pipeline:
    """:return: `pipeline`, which `laid_out_pipelines` now has, in place of what there was of that name"""
    ask_for_reruns(pipeline.jobs)
    _laid_out[name] = pipeline
    return pipeline


def lay_out(
    name: str,
    *,
    network: dict | None = None,
    pretrain: dict | None = None,
    num_epochs: int | None = None,
    plan: Plan | Callable[[int], Plan] | None = None,
    config: dict,
    extern_data: dict,
    train_data: tk.Path | Sequence[tk.Path],
    dev_data: tk.Path | Sequence[tk.Path] = (),
    indices_per_job: int | None = 1,
    rqmt: dict | None = None,
    gpus: int = 1,
    nodes: int = 1,
    function_options: Collection[str] = (),
    further_epochs: Sequence[int] = (),
) -> Pipeline:
    """
    :param name: aliases are `NAME/phase.00`, …, `NAME/phase.final`
    :param network: the original net dict
    :param pretrain: RETURNN's: construction_algo, repetitions, copy_param_mode
    :param num_epochs: all of them; None: as many as pretraining has
    :param plan: in place of these three, phases that are planned already; or what plans them with so many further epochs
    :param config: the training's options, see `boulder.training.TrainingOptions`, and learning_rate(s)
    :param extern_data: data streams
    :param train_data: one HDF file, or several
    :param dev_data: scored after each epoch
    :param indices_per_job: so many consecutive indices share a job; None: all. The result is the same.
    :param rqmt: of each training job, on each of its nodes: gpu, cpu, mem in GB, time in hours
    :param gpus: of each node, which share the batches of a phase; "gpus" in the `#config` of a network is for its phase
    :param nodes: likewise, machines
    :param function_options: what the overrides of `plan` may name although the training does not know it, since only
        functions in the networks read it, which have it already
    :param further_epochs: the training goes on after its end for so many epochs, in a job of its own for each number; the
        jobs before are as they would be without it. `boulder extend` adds to it
    :raises BoulderError: for whatever cannot be trained; names the phase
    """
    layout = Layout(
        name, config, extern_data, train_data, dev_data, indices_per_job, rqmt, gpus, nodes, function_options
    )
    if (plan is None) == (network is None):
        raise ConfigError(f"pipeline {name!r}: needs either 'network' (with 'pretrain', 'num_epochs') or 'plan'")
    further = all_further_epochs(name, further_epochs)
    make = plan if callable(plan) else plan.longer if plan else partial(_planned, network, pretrain, num_epochs)
    planned = make(sum(further))
    cuts = ends_before(planned.num_epochs - sum(further), further)
    return announced(name, replace(layout.pipeline(planned, cuts), further_epochs=further))


def _planned(network: dict, pretrain: dict | None, num_epochs: int | None, further: int) -> Plan:
    if further and num_epochs is None:
        num_epochs = make_plan(network, pretrain).num_epochs
    return make_plan(network, pretrain, num_epochs=num_epochs and num_epochs + further)
