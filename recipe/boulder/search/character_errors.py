"""Character errors: the fewest insertions, deletions and substitutions of characters, spaces included."""

from collections.abc import Mapping

from rapidfuzz.distance import Levenshtein

from boulder.search.error_rate import score
from boulder.search.word_errors import WordErrors


def character_errors(references: Mapping[str, str], hypotheses: Mapping[str, str]) -> WordErrors:
    """
    :param references: tag of a sequence → text
    :param hypotheses: tag of a sequence → text
    :return: the errors of all sequences, where each character counts as a word; its `wer` is the character error rate
    :raises DataError: if the tags of the two differ, there are none, or a reference is empty
    """
    records = score(hypotheses, {tag: [text] for tag, text in references.items()}).records
    operations = [
        operation.tag for record in records for operation in Levenshtein.editops(record.reference, record.hypothesis)
    ]
    return WordErrors(
        words=sum(len(record.reference) for record in records),
        substitutions=operations.count("replace"),
        deletions=operations.count("delete"),
        insertions=operations.count("insert"),
        sequences=len(records),
        wrong_sequences=sum(not record.is_correct for record in records),
    )
