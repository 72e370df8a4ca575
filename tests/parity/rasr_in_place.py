"""Stands in for RASR's trainer in `ExternSprintDataset`: it calls the Python module that RETURNN names, as RASR does."""

import importlib
import os
import re
import sys

import numpy as np

NUM_SEQUENCES = 20
DIM, CLASSES = 5, 4


def main(arguments: list[str]) -> None:
    options = dict(re.fullmatch(r"--(?:\*\.)?([^=]*)=(.*)", argument).groups() for argument in arguments)
    sys.path.insert(0, options["pymod-path"])
    trainer = importlib.import_module(options["pymod-name"])
    names = [f"corpus/{number}" for number in range(NUM_SEQUENCES)]
    parts, part = int(options.get("corpus.partition", 1)), int(options.get("corpus.select-partition", 0))
    names = names[part::parts]
    np.random.RandomState(int(options["seed"])).shuffle(names)
    trainer.getSegmentList("corpus", names)
    trainer.init(
        inputDim=DIM,
        outputDim=CLASSES,
        config=options["pymod-config"],
        targetMode="target-alignment",
        cudaEnabled=False,
    )
    for name in names:
        random = np.random.RandomState(int(name.partition("/")[2]))
        features = random.normal(size=(DIM, random.randint(3, 12))).astype("float32")
        alignment = features[:CLASSES].argmax(axis=0).astype("int32")
        if options.get("dies-at") == name and options["seed"] == "1":  # in the second epoch
            print("RASR: cannot read", name, file=sys.stderr, flush=True)
            os._exit(3)
        trainer.feedInputAndTargetAlignment(features, alignment, segmentName=name)
    trainer.exit()


if __name__ == "__main__":
    main(sys.argv[1:])
