"""`Task12AXDataset` and others: memory tasks, with RETURNN's sequences."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from boulder.data.dataset import dataset_class
from boulder.data.generated.generated_dataset import GeneratedDataset, one_hot
from boulder.data.option_checks import check_integer
from boulder.data.streams import Stream
from boulder.errors import DataError

Numbers = np.random.RandomState


@dataclass(kw_only=True, eq=False)
class _CharacterTask(GeneratedDataset):
    """A text, whose characters are "data", one-hot, and for each of them an expected one, "classes"."""

    inputs: ClassVar[str]
    outputs: ClassVar[str]

    @property
    def found_streams(self) -> dict[str, Stream]:
        return {
            "data": Stream("data", len(self.inputs), sparse=False),
            "classes": Stream("classes", len(self.outputs), sparse=True),
        }

    def label_names(self, key: str) -> list[str] | None:
        return list({"data": self.inputs, "classes": self.outputs}.get(key, "")) or None

    def generate(self, numbers: Numbers, index: int, epoch: int) -> dict[str, np.ndarray]:
        text = self.text(numbers)
        labels = np.array([self.outputs.index(char) for char in self.answer(text)])
        return {"data": one_hot([self.inputs.index(char) for char in text], len(self.inputs)), "classes": labels}

    @abstractmethod
    def text(self, numbers: Numbers) -> str:
        """:return: characters of `inputs`"""

    @abstractmethod
    def answer(self, text: str) -> Iterator[str]:
        """Yields a character of `outputs` for each one of the text."""


@dataset_class("Task12AXDataset")
@dataclass(kw_only=True, eq=False)
class Task12AXDataset(_CharacterTask):
    """
    The task 12AX (O'Reilly and Frank 2006): "R" is expected at the X of an AX after a 1, and at the Y of a BY after a 2; "L"
    everywhere else. "data" are characters of 123ABCXYZ, one-hot.
    """

    inputs = "123ABCXYZ"
    outputs = "LR"

    def text(self, numbers: Numbers) -> str:
        length = numbers.randint(10, 100)
        text = str(numbers.choice(["", "1", "2"]))
        while len(text) < length:
            if numbers.uniform() < 0.5:
                text += numbers.choice(["1", "2"])
            if numbers.uniform() < 0.9:
                text += numbers.choice(["AX", "BY"])
            while numbers.uniform() < 0.5:
                text += numbers.choice([*self.inputs])
        return text[:length]

    def answer(self, text: str) -> Iterator[str]:
        number = letter = ""
        for char in text:
            yield "R" if number + letter + char in ("1AX", "2BY") else "L"
            if char in "12":
                number = char
            elif char in "AB":
                letter = char
            elif char in "XY":
                letter = ""


@dataset_class("TaskEpisodicCopyDataset")
@dataclass(kw_only=True, eq=False)
class TaskEpisodicCopyDataset(_CharacterTask):
    """
    The copy task (Arjovsky et al. 2016) with random lengths: digits, blanks, then dots, at which the digits are expected, then
    dots; blanks are expected before.
    """

    inputs = outputs = " .01234567"

    def text(self, numbers: Numbers) -> str:
        count = numbers.randint(1, 10)
        digits = "".join(numbers.choice([*"01234567"]) for _ in range(count))
        return digits + " " * numbers.randint(1, 100) + "." * (count + 2)

    def answer(self, text: str) -> Iterator[str]:
        blanks, dot, rest = text.partition(".")
        yield from " " * len(blanks + dot)
        yield from blanks.replace(" ", "").ljust(len(rest), ".")


@dataset_class("TaskXmlModelingDataset")
@dataclass(kw_only=True, eq=False)
class TaskXmlModelingDataset(_CharacterTask):
    """
    The XML task (Jozefowicz et al. 2015): the next character is expected where it is certain, which is that of a closing tag,
    and else a blank.

    :param limit_stack_depth: largest depth of nested tags
    """

    inputs = outputs = " <>/abcdefgh"

    limit_stack_depth: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("limit_stack_depth", self.limit_stack_depth, lowest=1)

    def text(self, numbers: Numbers) -> str:
        text = " "
        opened: list[str] = []
        while True:
            if not opened or (len(opened) < self.limit_stack_depth and numbers.rand() > 0.6):
                count = numbers.randint(1, 10)
                opened.append("".join(numbers.choice([*"abcdefgh"]) for _ in range(count)))
                text += f"<{opened[-1]}>"
            else:
                text += f"</{opened.pop()}>"
            if not opened and numbers.rand() > 0.2:
                return text

    def answer(self, text: str) -> Iterator[str]:
        opened: list[str] = []
        yield "<"  # after the blank
        for tag in text[1:].split("<")[1:]:
            if tag.startswith("/"):
                yield from " " + opened.pop() + ">"
            else:
                opened.append(tag.removesuffix(">"))
                yield from " " * len(tag)
            yield "<"  # after its end


@dataset_class("CopyTaskDataset")
@dataclass(kw_only=True, eq=False)
class CopyTaskDataset(GeneratedDataset):
    """
    Random labels, which are both "data" and "classes". Their number lies between `minlen` and `maxlen`, which grow with the
    epoch.

    :param nsymbols: number of labels
    :param minlen: smallest length, without the epoch
    :param maxlen: largest length, without the epoch
    :param minlen_epoch_factor: this times the epoch is added to `minlen`
    :param maxlen_epoch_factor: this times the epoch is added to `maxlen`
    """

    nsymbols: int
    minlen: int = 0
    maxlen: int = 0
    minlen_epoch_factor: float = 0
    maxlen_epoch_factor: float = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("nsymbols", self.nsymbols, lowest=1, highest=127)  # RETURNN stores labels as int8

    @property
    def found_streams(self) -> dict[str, Stream]:
        return {key: Stream(key, self.nsymbols, sparse=True) for key in ("data", "classes")}

    def generate(self, numbers: Numbers, index: int, epoch: int) -> dict[str, np.ndarray]:
        low = int(self.minlen + self.minlen_epoch_factor * epoch)
        high = int(self.maxlen + self.maxlen_epoch_factor * epoch)
        if not 0 < low <= high:
            raise DataError(f"epoch {epoch}: found minlen {low} and maxlen {high}, expected 0 < minlen <= maxlen")
        count = numbers.randint(low, high + 1)
        labels = np.array([numbers.randint(0, self.nsymbols) for _ in range(count)])
        return {"data": labels, "classes": labels}


@dataset_class("TaskNumberBaseConvertDataset")
@dataclass(kw_only=True, eq=False)
class TaskNumberBaseConvertDataset(GeneratedDataset):
    """
    "data" are the digits of a number, "classes" those of the same number in another base.

    :param input_base: base of "data", up to 36
    :param output_base: base of "classes", up to 36
    :param min_input_seq_len: smallest number of digits
    :param max_input_seq_len: largest number of digits
    """

    input_base: int = 8
    output_base: int = 2
    min_input_seq_len: int = 1
    max_input_seq_len: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("input_base", "output_base"):
            check_integer(name, getattr(self, name), lowest=2, highest=36)
        check_integer("min_input_seq_len", self.min_input_seq_len, lowest=1)
        check_integer("max_input_seq_len", self.max_input_seq_len, lowest=self.min_input_seq_len)

    @property
    def found_streams(self) -> dict[str, Stream]:
        return {
            "data": Stream("data", self.input_base, sparse=True),
            "classes": Stream("classes", self.output_base, sparse=True),
        }

    def label_names(self, key: str) -> list[str] | None:
        base = {"data": self.input_base, "classes": self.output_base}.get(key)
        return None if base is None else [*"0123456789abcdefghijklmnopqrstuvwxyz"[:base]]

    def generate(self, numbers: Numbers, index: int, epoch: int) -> dict[str, np.ndarray]:
        count = numbers.randint(self.min_input_seq_len, self.max_input_seq_len + 1)
        digits = [numbers.randint(0, self.input_base) for _ in range(count)]
        value = 0
        for digit in digits:
            value = value * self.input_base + int(digit)
        converted = [value % self.output_base]
        while value := value // self.output_base:
            converted.append(value % self.output_base)
        return {"data": np.array(digits), "classes": np.array(converted[::-1])}
