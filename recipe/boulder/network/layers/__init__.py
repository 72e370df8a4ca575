"""
The layer classes, one file per family.

A file is imported when a network has one of its classes: to make all of them takes a quarter of a second, which planning
should not. So this package only looks for the names in the files.
"""

import pkgutil
import re
from pathlib import Path

from boulder.network.layer import LAYERS

_DECORATOR = re.compile(r'^@layer_class\("([^"]+)"\)', re.MULTILINE)

LAYERS.import_on_demand(
    {
        name: f"{__name__}.{module.name}"
        for module in pkgutil.iter_modules(__path__)
        for name in _DECORATOR.findall(Path(__path__[0], f"{module.name}.py").read_text(encoding="utf-8"))
    }
)
