"""Automata of sequences, for full-sum training: from a lexicon and transcripts, or from files of OpenFst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.counted import counted
from boulder.data import read_openfst, write_automata
from boulder.lexicon import Topology, TranscriptAutomata, build, lexicon_entries
from boulder.search.corpus import read_corpus
from boulder.speech import read_transcripts
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class LexiconAutomataJob(CheckedJob):
    """
    Writes the automaton of each transcript: HMM states of all pronunciations of its words, with optional silence.

    Outputs:
        out_hdf: data set with the stream `automata`, see `boulder.data.automata`
        out_classes: names of the classes, one in each line

    Hash: all arguments; `states`, `silence` and `costs` only where they differ from their defaults.
    """

    __sis_hash_exclude__ = {"states": 1, "silence": True, "costs": None}  # noqa: RUF012 (declared by Sisyphus)

    def __init__(
        self,
        *,
        lexicon: tk.Path,
        transcripts: tk.Path,
        phonemes: Sequence[str],
        states: int = 1,
        silence: bool = True,
        costs: Mapping[str, float] | None = None,
    ) -> None:
        """
        :param lexicon: a Bliss lexicon, or a text file with a word and its phonemes in each line
        :param transcripts: a Bliss corpus (`.xml`, `.xml.gz`), or a text file with lines `tag<TAB>words`
        :param phonemes: in the order of the classes, without silence
        :param states: number of HMM states of a phoneme
        :param silence: whether silence, the last class, may be before, between and after the words
        :param costs: negative log probabilities `loop`, `forward`, `silence_loop`, `silence_forward`; None: all 0
        """
        Topology(phonemes=list(phonemes), states=states, silence=silence, **(costs or {}))  # checks the arguments
        self.lexicon = lexicon
        self.transcripts = transcripts
        self.phonemes = list(phonemes)
        self.states = states
        self.silence = silence
        self.costs = dict(costs or {})

        self.out_hdf = self.output_path("automata.hdf")
        self.out_classes = self.output_path("classes.txt")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt={"cpu": 1, "mem": 4, "time": 4})

    def run(self) -> None:
        topology = Topology(phonemes=self.phonemes, states=self.states, silence=self.silence, **self.costs)
        maker = TranscriptAutomata(build(lexicon_entries(self.lexicon.get_path())), topology)
        transcripts = _transcripts(self.transcripts.get_path())
        automata = ((tag, maker.arcs(words.split(), tag)) for tag, words in transcripts.items())
        count = write_automata(self.out_hdf.get_path(), automata)
        write_text(self.out_classes.get_path(), "".join(f"{name}\n" for name in topology.class_names))
        print(f"{counted(count, 'automaton', 'automata')}, {counted(len(topology.class_names), 'class', 'classes')}")


class OpenFstAutomataJob(CheckedJob):
    """
    Writes acceptors of OpenFst, such as those of a Kaldi graph of each utterance, as a data set.

    Outputs:
        out_hdf: data set with the stream `automata`, see `boulder.data.automata`

    Hash: all arguments.
    """

    def __init__(self, *, acceptors: tk.Path) -> None:
        """
        :param acceptors: text file, see `boulder.data.read_openfst`
        """
        self.acceptors = acceptors

        self.out_hdf = self.output_path("automata.hdf")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", rqmt={"cpu": 1, "mem": 4, "time": 4})

    def run(self) -> None:
        count = write_automata(self.out_hdf.get_path(), read_openfst(self.acceptors.get_path()))
        print(f"{count} automata")


def _transcripts(path: str) -> dict[str, str]:
    """:return: tag → words, separated by blanks"""
    if ".xml" in Path(path).suffixes:
        return {tag: segment.words for tag, segment in read_corpus(path).items()}
    return read_transcripts(path)
