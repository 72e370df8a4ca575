"""Reports of a pipeline: a self-contained HTML file, tables for the terminal, and figures."""

from boulder.report.curves import learning_curve, learning_rate_curve
from boulder.report.handover import HandOver
from boulder.report.html import render
from boulder.report.model import ErrorRateRow, Example, GrowthCounts, PhaseRow, Report, ScoreRow
from boulder.report.tables import phase_table, score_table

__all__ = [
    "ErrorRateRow",
    "Example",
    "GrowthCounts",
    "HandOver",
    "PhaseRow",
    "Report",
    "ScoreRow",
    "learning_curve",
    "learning_rate_curve",
    "phase_table",
    "render",
    "score_table",
]
