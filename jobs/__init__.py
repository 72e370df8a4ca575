"""Everything that knows Sisyphus.

The modules of this package define the Job classes (their module paths are part of job ids) and lay out pipelines of them
(`pipeline`: phases → job graph). `cli` parses the `boulder` command, whose subcommands are in `commands`; `workdir`
inspects the work directory.

Importing this package makes `import sisyphus` work: it is the real Sisyphus where that is installed, else embedded/sisyphus.
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of settings.py, recipe/, config/ and jobs/."""


def _provide_sisyphus() -> None:
    if str(ROOT / "embedded") in sys.path:
        return
    spec = importlib.util.find_spec("sisyphus")
    if spec is None:
        sys.path.append(str(ROOT / "embedded"))
    elif not any((Path(folder) / "toolkit.py").exists() for folder in spec.submodule_search_locations or []):
        raise SystemExit(
            f"the Python package 'sisyphus' in {spec.origin} is not the workflow manager, but another program of that "
            "name on PyPI; run 'pip uninstall sisyphus' (Boulder brings a stand-in), or install the real one from "
            "github.com/rwth-i6/sisyphus"
        )


_provide_sisyphus()
