"""Presents a pipeline's results: a self-contained HTML report, tables for the terminal, plots, job graphs."""

from boulder.report.curves import learning_curve, learning_rate_curve
from boulder.report.handover import HandOver
from boulder.report.html import render
from boulder.report.model import Example, GrowthCounts, PhaseRow, RateRow, Report, ScoreRow
from boulder.report.tables import phase_table, score_table

__all__ = [
    "Example",
    "GrowthCounts",
    "HandOver",
    "PhaseRow",
    "RateRow",
    "Report",
    "ScoreRow",
    "learning_curve",
    "learning_rate_curve",
    "phase_table",
    "render",
    "score_table",
]
