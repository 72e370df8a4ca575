"""output/NAME/report.html of a pipeline, which its manager writes anew after each epoch, so that it can be watched.

It belongs to the manager and is no job: it needs no output, changes no job's id, and shows a pipeline that has failed, too. The
page lies in work/report/NAME, and the output is a link to it, as all outputs are links.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from boulder import strict_json
from boulder.atomic_file import symlink
from jobs.announced import laid_out_pipelines
from jobs.drawing import Drawing
from jobs.laid_out import Pipeline
from jobs.workdir.job_graph import with_inputs
from jobs.workdir.passive_target import PassiveTarget
from jobs.workdir.places import leads_to_a_job
from jobs.workdir.sisyphus_names import folder_of
from sisyphus import gs, toolkit
from sisyphus.graph import OutputPath


def watch(pipeline: str) -> None:
    """Let the manager write the report of a laid out pipeline."""
    toolkit.sis_graph.add_target(LiveReport(pipeline))


class LiveReport(PassiveTarget):
    """
    A report is no reason to train. An output of the same name that the config registers takes its place as soon as it exists.
    """

    def __init__(self, pipeline: str) -> None:
        super().__init__(f"{pipeline}/report.html")
        self._pipeline = pipeline
        self._subfolder = gs.ALIAS_AND_OUTPUT_SUBDIR
        self._seen: tuple | None = None
        self._told: set[str] = set()
        self._drawing = Drawing(Path(gs.WORK_DIR, "report", self._subfolder, pipeline))

    @property
    def place(self) -> str:
        """The output's path, relative to the folder of settings.py."""
        return os.path.normpath(os.path.join(gs.OUTPUT_DIR, self._subfolder, self.name))

    def is_there(self) -> bool:
        """Whether the output shows this report."""
        return os.path.exists(self.place) and self._is_linked()

    def update(self, force: bool) -> None:
        """Write it, if something is new. Whatever goes wrong here keeps nothing from being trained."""
        if self._has_other_place():
            return
        try:
            self._update(force)
        except Exception as error:  # of whatever kind: the manager would end
            self._warn(f"the report {self.place} could not be written: {type(error).__name__}: {error}")

    def _update(self, force: bool) -> None:
        if problem := self._drawing.finish(wait=force):
            self._warn(f"the report {self.place} could not be drawn: {problem}")
        pipeline = laid_out_pipelines().get(self._pipeline)
        if pipeline is not None:
            self._draw(pipeline, force)
        if self._drawing.page.exists() and not self._is_linked():
            self._link()

    def _draw(self, pipeline: Pipeline, force: bool) -> None:
        from jobs.report_content import content_of_pipeline  # not at the top: commands that only plan need no report

        if not force:
            self._drawing.prepare()
        if not self._drawing.may_begin(force):
            return
        jobs = with_inputs(pipeline.jobs)
        looks = tuple((job.job_id(), _changed(folder_of(job)), _changed(folder_of(job, gs.JOB_OUTPUT))) for job in jobs)
        if force or looks != self._seen:
            self._seen = looks
            self._drawing.begin(strict_json.dumps(content_of_pipeline(self._pipeline, pipeline, jobs)))
            if force and (problem := self._drawing.finish(wait=True)):
                self._warn(f"the report {self.place} could not be drawn: {problem}")

    def _has_other_place(self) -> bool:
        """Whether another output has this place, or one above it, which is a link and no folder."""
        for target in toolkit.sis_graph.targets:
            if not isinstance(target, OutputPath):
                continue
            if target.name == self.name:
                return all(path.available() for path in target.required_full_list)
            if self.name.startswith(f"{target.name}/"):
                self._warn(
                    f"pipeline {self._pipeline!r} gets no report, since the output {target.name!r} is in the place of its "
                    "folder; rename one of them, or lay it out with report=False"
                )
                return True
        return False

    def _is_linked(self) -> bool:
        return os.path.realpath(self.place) == os.path.realpath(self._drawing.page)

    def _link(self) -> None:
        if os.path.lexists(self.place) and not leads_to_a_job(self.place):
            self._warn(f"the report of pipeline {self._pipeline!r} is {self._drawing.page}: {self.place} is no link")
            return
        folder = os.path.dirname(self.place)
        if leads_to_a_job(folder):  # an output of an earlier config
            os.unlink(folder)
        os.makedirs(folder, exist_ok=True)
        symlink(os.path.realpath(self._drawing.page), self.place)

    def _warn(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            logging.warning(text)


def _changed(path: str) -> int | None:
    """:return: when the entries of a folder changed, in nanoseconds; files of a job are replaced, which changes it"""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None
