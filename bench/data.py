"""Measures the reading of data, and prints the table of bench/README.md: `.venv/bin/python bench/data.py`.

    bench/data.py --rows audio step     only these; `--help` names all
    bench/data.py --folder FOLDER       where 1 GB of files is made, and removed; default: a temporary one

Each program that is measured is a process of its own. They pass over the data in turn, so that other load affects all alike; a
ratio is that of neighbours. RETURNN is needed (`make EXTRA=parity venv`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import data_files as made

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "recipe")]
from bench.side_by_side import Program  # noqa: E402
from bench.table import heading, row, shown  # noqa: E402

REPEATS = 3
ORDERS = ("random", "laplace:.1000", "sorted", "sort_bin_shuffle:.1000")
LOG_MEL = {"features": "log_mel_filterbank", "num_feature_filters": made.FEATURES}

Row = tuple[str, str, str]
"""A row of the table: the name of a measurement, its figures, and the target."""


def program(folder: Path, name: str, **options: Any) -> Program:
    """:return: a process that makes passes, see data_passes.py. It runs in `folder`"""
    return Program(Path(__file__).with_name("data_passes.py"), sys.executable, {"pass": name, **options}, folder)


def in_turn(folder: Path, programs: Sequence[tuple[str, dict]]) -> list[tuple[dict[str, Any], ...]]:
    """:return: for each repeat, the results of the programs"""
    with ExitStack() as stack:
        started = [stack.enter_context(program(folder, name, **options)) for name, options in programs]
        return [tuple(one.measured() for one in started) for _ in range(REPEATS)]


# Rows


def rows_of_many(folder: Path) -> Iterator[Row]:
    path = folder / "many.hdf"
    made.write_many(path)
    for order in ORDERS:
        runs = []
        for _ in range(REPEATS):  # memory is that of a new process
            options = {"data": hdf(path), "streams": made.SPARSE, "order": order}
            with program(folder, "many", **options) as started:
                runs.append(started.measured())
        wall, processor, first = (
            [run[key][clock] for run in runs]
            for key, clock in (("form", "wall"), ("form", "processor"), ("first", "wall"))
        )
        label = f"{made.MANY // 1_000_000} million sequences, `{order}`"
        yield f"{label}: order and batches", f"{shown(wall)} s; {shown(processor)} processor seconds", "20 s"
        yield f"{label}: first batch after that", f"{shown(first)} s", "2 s"
        peak, growth = (shown([run[key] for run in runs], form) for key, form in (("peak", ".0f"), ("growth", ".1f")))
        yield f"{label}: peak of memory over the start; growth while reading", f"{peak} MB; {growth} MB", "300 MB; flat"


def rows_of_hdf(label: str, write: Callable[[Path], None], streams: dict) -> Callable[[Path], Iterator[Row]]:
    def rows(folder: Path) -> Iterator[Row]:
        path = folder / "data.hdf"
        write(path)
        options = {"data": hdf(path) | {"seq_ordering": "laplace:.1000"}, "streams": streams}
        for kind, threads, clock, text in (
            ("returnn", 0, "processor", f"{label} to arrays, frames per processor second"),
            ("returnn_tensors", 2, "wall", "the same to tensors with 2 threads, frames per second"),
        ):
            runs = in_turn(folder, [(kind, options), ("boulder", options | {"threads": threads})])
            yield text, *compared(runs, 1, clock, "5 times")

    return rows


def rows_of_step(folder: Path) -> Iterator[Row]:
    for name, number in (("first", 0), ("last", -1)):
        (*runs,) = (run for (run,) in in_turn(folder, [("demo", {"number": number})]))
        reading, steps = ([1000 * run[key]["wall"] for run in runs] for key in ("reading", "steps"))
        shares = [100 * part / whole for part, whole in zip(reading, steps, strict=True)]
        of_processor = [100 * run["reading"]["processor"] / run["steps"]["processor"] for run in runs]
        label = f"`config/g2p.demo`, {name} network"
        yield (
            f"{label}: reading a batch in 1 thread, of a step",
            f"{shown(reading)} ms of {shown(steps)} ms: {shown(shares, '.1f')} %; "
            f"of processor time {shown(of_processor, '.1f')} %",
            "10 %",
        )
        waited = shown([100 * run["waited"] for run in runs], ".1f")
        yield "the same, both at once: time in which a step waits for its batch", f"{waited} %", "10 %"


def rows_of_audio(folder: Path) -> Iterator[Row]:
    path = folder / "recordings.zip"
    made.write_recordings(path)
    data = {"class": "OggZipDataset", "path": [str(path)], "audio": LOG_MEL, "targets": {"class": "Utf8ByteTargets"}}
    options = {"data": data, "streams": made.OF_RECORDINGS}
    runs = in_turn(folder, [("returnn", options), *(("boulder", options | {"threads": n}) for n in (1, 2))])
    label = f"{made.RECORDINGS} recordings, Ogg Vorbis, {made.SAMPLE_RATE // 1000} kHz, to log mel features"
    yield f"{label} with 1 thread, frames per processor second", *compared(runs, 1, "processor", "–")
    yield "the same with 1 thread, frames per second", *compared(runs, 1, "wall", "–")
    yield "the same with 2 threads, frames per second", *compared(runs, 2, "wall", "–")


ROWS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "many": rows_of_many,
    "boulder-hdf": rows_of_hdf("HDF file of Boulder", made.write_speech, made.DENSE),
    "contiguous-hdf": rows_of_hdf("contiguous HDF file", made.write_speech_contiguous, made.DENSE),
    "returnn-hdf": rows_of_hdf("HDF file of RETURNN's `SimpleHDFWriter`", made.write_speech_with_returnn, made.DENSE),
    "label-hdf": rows_of_hdf("HDF file of sequences of 10 labels", made.write_labels, made.SPARSE),
    "step": rows_of_step,
    "audio": rows_of_audio,
}


def hdf(path: Path) -> dict[str, Any]:
    return {"class": "HDFDataset", "files": [str(path)]}


def compared(runs: list[tuple[dict[str, Any], ...]], number: int, clock: str, wanted: str) -> tuple[str, str]:
    """
    :param runs: for each repeat, RETURNN's result, and then others
    :param number: of the program to compare with RETURNN
    """
    assert len({result["frames"] for results in runs for result in results}) == 1, runs
    own, other = ([results[i][clock] / 1e6 for results in runs] for i in (number, 0))
    ratios = shown([a / b for a, b in zip(own, other, strict=True)], ".1f")
    return f"{shown(own)} million; RETURNN {shown(other)} million: {ratios} times", wanted


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the reading of data.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--folder", type=Path, help="for the files; default: a temporary one")
    arguments = parser.parse_args()
    print(heading("measured", "wanted"))
    for name in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            for cells in ROWS[name](Path(folder)):
                print(row(*cells), flush=True)


if __name__ == "__main__":
    main()
