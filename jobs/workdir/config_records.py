"""Which jobs each config needs, and which ones it needed before it was edited, as far as managers have laid them out.

work/jobs_of_configs.json has an entry for each config that a manager has run in this work directory. Only managers write it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.errors import BoulderError
from sisyphus import gs


@dataclass(frozen=True)
class ConfigRecord:
    """
    :param jobs: ids of the jobs that the config needs
    :param former: ids of jobs that it needed before
    """

    jobs: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    def with_jobs(self, jobs: Collection[str], complete: bool) -> ConfigRecord:
        """
        :param jobs: that a manager has laid out
        :param complete: False: the config will lay out more, perhaps jobs that it laid out in an earlier run
        """
        now = sorted({*jobs} if complete else {*jobs, *self.jobs})
        return ConfigRecord(tuple(now), tuple(sorted({*self.jobs, *self.former} - {*now})))


def read_records() -> dict[str, ConfigRecord]:
    """
    :return: name of a config → its record
    :raises BoulderError: if the file cannot be read
    """
    try:
        found = json.loads(_file().read_text("utf-8"))
        return {name: ConfigRecord(tuple(entry["jobs"]), tuple(entry["former"])) for name, entry in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BoulderError(f"{_file()}: cannot be read ({error}); delete it, and managers write it again") from error


def write_records(records: Mapping[str, ConfigRecord]) -> None:
    os.makedirs(gs.WORK_DIR, exist_ok=True)
    write_text(_file(), strict_json.dumps({name: asdict(record) for name, record in records.items()}, indent=1))


def _file() -> Path:
    return Path(gs.WORK_DIR, "jobs_of_configs.json")
