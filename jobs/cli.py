"""The `boulder` command, and `sis` of the same environment."""

import jobs  # noqa: F401 (finds Sisyphus)


def sis() -> None:
    """Sisyphus's own command line: the real one where it is installed."""
    from sisyphus.__main__ import main as sisyphus_main

    sisyphus_main()


def main() -> None:
    sis()
