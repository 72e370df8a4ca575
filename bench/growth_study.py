"""Prints the tables of docs/growth.md from the output of `boulder run config/growth_study.py` or `config/growth_transformer.py`.

.venv/bin/python -m bench.growth_study [output/growth_study [FIRST_EPOCH_AT_FULL_SIZE]]
"""

import statistics
import sys
from pathlib import Path

from boulder.training.scores import read_scores

LOSS, ERROR = "cost:output", "error:output"


def main(folder: Path, full_size: int) -> None:
    runs = {way.name: [read_scores(file) for file in sorted(way.glob("*/scores.jsonl"))] for way in folder.iterdir()}
    baseline = statistics.mean(_seconds(records) for records in runs["full-from-the-start"])
    last = len(runs["full-from-the-start"][0])
    print(
        f"| schedule: way | dev loss, epoch {full_size} | dev loss, epoch {last} | dev error, epoch {last} | processor time |"
    )
    print("|---|---|---|---|---|")
    for name, seeds in sorted(runs.items(), key=lambda item: (item[0].partition("-")[0], _final(item[1], LOSS))):
        early = _spread([records[full_size - 1]["dev"][LOSS] for records in seeds], "{:.3f}")
        late = _spread([records[-1]["dev"][LOSS] for records in seeds], "{:.3f}")
        error = _spread([100 * records[-1]["dev"][ERROR] for records in seeds], "{:.1f}")
        time = _spread([_seconds(records) / baseline for records in seeds], "{:.2f}")
        print(f"| {name} | {early} | {late} | {error} % | {time} |")


def _final(seeds: list[list[dict]], key: str) -> float:
    return statistics.mean(records[-1]["dev"][key] for records in seeds)


def _seconds(records: list[dict]) -> float:
    return sum(record["processor_seconds"] for record in records)


def _spread(values: list[float], form: str) -> str:
    """:return: mean (minimum–maximum)"""
    mean, least, greatest = (form.format(value) for value in (statistics.mean(values), min(values), max(values)))
    return f"{mean} ({least}–{greatest})"


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "output/growth_study"), int(sys.argv[2] if len(sys.argv) > 2 else 5)
    )
