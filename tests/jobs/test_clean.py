"""`boulder clean`, by the real command."""

import fcntl
import json


def test_what_an_edit_left_is_told_listed_and_removed(trained):
    config = trained.folder / "config/tiny.py"
    config.write_text(config.read_text().replace("last_width=6", "last_width=5"))
    record = json.loads((trained.folder / "work/jobs_of_configs.json").read_text())
    assert [*record] == ["config/tiny.reported"]
    assert len(record["config/tiny.reported"]["jobs"]) == 4

    code, output = trained.run("boulder", "clean", "config/tiny.reported", "--json")
    found = json.loads(output)
    assert code == 0
    assert {left["name"] for left in found["left"]} == {"tiny/phase.01", "tiny/phase.final", "tiny/report"}
    assert found["bytes"] > 100_000
    assert found["kept"] == found["unknown"] == found["removed"] == []
    folders = [trained.folder / left["folder"] for left in found["left"]]

    with open(trained.folder / "work/.manager.lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, output = trained.run("boulder", "clean", "config/tiny.reported", "--remove")
        assert code == 1
        assert "another manager" in output
    assert all(folder.exists() for folder in folders)

    code, output = trained.run("boulder", "clean", "config/tiny.reported", "--remove")
    assert code == 0, output
    assert "in 3 folders" in output
    assert not any(folder.exists() for folder in folders)
    assert list(trained.finished_jobs())  # that of the first phase

    code, output = trained.run("boulder", "clean", "config/tinny.reported")
    assert code == 1
    assert "there is no such file; did you mean 'config/tiny'?" in output
