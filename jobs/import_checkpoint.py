"""`ImportCheckpointJob`: a checkpoint of a network, made of parameters from other checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.schedule.functions import restore
from jobs.rqmt import PRELOADED, limit_threads, with_defaults
from sisyphus import Job, Task


class ImportCheckpointJob(Job):
    """
    Takes the parameters of a network from checkpoints of Boulder or RETURNN, and initialises those that it may initialise.
    The log lists what was taken from where.

    Outputs:
        out_checkpoint: without optimizer slots and scores
        out_origins: JSON, path of a parameter → where it was taken from; None: initialised

    Hash: all arguments but `functions` (the network contains their digests) and `rqmt`.
    """

    __sis_preload__ = PRELOADED

    def __init__(
        self,
        *,
        sources: list[dict],
        network: dict,
        extern_data: dict,
        epoch: int = 0,
        phase_start: int = 1,
        index: int | None = None,
        random_seed: int = 1,
        functions: dict[str, dict] | None = None,
        rqmt: dict | None = None,
    ) -> None:
        """
        :param sources: `boulder.training.starting.Source.to_json` of each; a parameter is taken from the first that has it
        :param network: net dict, canonical
        :param extern_data: data streams of the network
        :param epoch: number of epochs that are done
        :param phase_start: first epoch of the phase that the network belongs to
        :param index: index of the phase; None for the original network
        :param random_seed: of the initial values
        :param functions: digest → function by value, for those in the network
        :param rqmt: gpu, cpu, mem in GB, time in hours
        """
        self.sources = sources
        self.network = network
        self.extern_data = extern_data
        self.epoch, self.phase_start, self.index = epoch, phase_start, index
        self.random_seed = random_seed
        self.functions = functions or {}
        self.rqmt = with_defaults(rqmt, self, {"gpu": 0, "cpu": 1, "mem": 4, "time": 1})

        self.out_checkpoint = self.output_path("checkpoint.h5")
        self.out_origins = self.output_path("origins.json")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt=self.rqmt)

    def run(self) -> None:
        from boulder.network import describe
        from boulder.returnn.checkpoint import open_parameters
        from boulder.training.starting import Source, starting_checkpoint

        limit_threads(self.rqmt)
        sources = [Source.of(options, "start_from") for options in self.sources]
        network: Any = restore(self.network, self.functions)
        checkpoint, taken = starting_checkpoint(
            [(source, open_parameters(source.checkpoint.get_path())) for source in sources],
            network,
            describe(network, self.extern_data),
            epoch=self.epoch,
            phase_start=self.phase_start,
            index=self.index,
            random_seed=self.random_seed,
        )
        print("\n".join(taken.lines()), flush=True)
        checkpoint.save(self.out_checkpoint.get_path())
        origins = {path: taken.origins.get(path) for path in checkpoint.params}
        write_text(self.out_origins.get_path(), strict_json.dumps(origins, indent=1))

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        return super().hash({key: value for key, value in kwargs.items() if key not in ("functions", "rqmt")})
