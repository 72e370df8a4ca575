"""The classes of data sets that RETURNN's package has. It reads those that Boulder has no reader for."""

from __future__ import annotations

import importlib.util

from boulder.errors import DataError

PREFIX = "returnn:"
"""`{"class": "returnn:HDFDataset"}` is read by RETURNN's package although Boulder has a reader for the class."""

RETURNN_CLASSES = frozenset(
    {
        "AnythingDataset",
        "BlissDataset",
        "ChunkShuffleDataset",
        "ClusteringDataset",
        "CombinedDataset",
        "ConcatDataset",
        "ConcatSeqsDataset",
        "ConfusionNetworkDataset",
        "CopyTaskDataset",
        "DatasetWithTimeContext",
        "DistributeFilesDataset",
        "DummyDataset",
        "DummyDatasetMultipleDataKeys",
        "DummyDatasetMultipleSequenceLength",
        "DummyGenericDataset",
        "Enwik8Corpus",
        "ExternSprintDataset",
        "HDFDataset",
        "HuggingFaceDataset",
        "LibriSpeechCorpus",
        "LmDataset",
        "MapDatasetWrapper",
        "MegatronDataset",
        "MetaDataset",
        "MultiEpochDataset",
        "MultiProcDataset",
        "NemoSpeechDataset",
        "NextGenHDFDataset",
        "NltkTimitDataset",
        "NumpyDumpDataset",
        "OggZipDataset",
        "PostprocessingDataset",
        "RawWavDataset",
        "SiameseHDFDataset",
        "SprintCacheDataset",
        "StaticDataset",
        "StereoDataset",
        "StereoHdfDataset",
        "Task12AXDataset",
        "TaskEpisodicCopyDataset",
        "TaskNumberBaseConvertDataset",
        "TaskVariableAssignmentDataset",
        "TaskXmlModelingDataset",
        "TextDictDataset",
        "TimitDataset",
        "TranslationDataset",
        "TranslationFactorsDataset",
        "VariableDataset",
    }
)


def check_installed(name: str) -> None:
    """
    Does not import RETURNN.

    :param name: of the class
    :raises DataError: if RETURNN's package is not installed
    """
    if importlib.util.find_spec("returnn") is None:
        raise DataError(
            f"{name}: Boulder has no reader for this class; RETURNN's own package reads it, which is not installed here: "
            "`python -m pip install 'boulder[returnn]'` installs it (under a licence of its own, see docs/data.md)"
        )
