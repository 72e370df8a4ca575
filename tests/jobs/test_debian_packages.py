"""`DebianPackagesJob`: fetches and unpacks packages, or takes them from a folder."""

import subprocess

import pytest

import jobs  # noqa: F401 (finds Sisyphus)
from boulder.errors import DataError

NAMES = ["some-sounds", "some-sounds-wav"]


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """:return: runs a job, and returns the folder of its output"""
    from jobs.debian_packages import DebianPackagesJob
    from sisyphus import gs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gs, "BASE_DIR", str(tmp_path))

    def run(folder=None, packages=NAMES):
        from sisyphus import tk

        job = DebianPackagesJob(packages=packages, folder=folder and tk.Path(str(folder)))
        job._sis_setup_directory()
        job.run()
        return tmp_path / job.out_root.get_path()

    return run


@pytest.fixture
def tree(tmp_path):
    """Root folder of two packages, as they unpack."""
    for name in NAMES:
        (tmp_path / f"tree/usr/share/doc/{name}").mkdir(parents=True)
        (tmp_path / f"tree/usr/share/doc/{name}/copyright").write_text(name)
    return tmp_path / "tree"


def make_package(folder, name, version="1.0", content="x"):
    """Builds a small package with `dpkg-deb`."""
    root = folder / "build"
    (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: d\n"
    )
    (root / f"usr/share/doc/{name}").mkdir(parents=True)
    (root / f"usr/share/doc/{name}/text").write_text(content)
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", str(root), str(folder / f"{name}_{version}_all.deb")],
        check=True,
        capture_output=True,
    )
    subprocess.run(["rm", "-r", str(root)], check=True)


def test_packages_are_unpacked_from_a_folder_and_the_last_version_counts(tmp_path, unpacked, capsys):
    for name, version in [("some-sounds", "1.0"), ("some-sounds-wav", "1.0"), ("some-sounds-wav", "1.1")]:
        make_package(tmp_path, name, version, content=version)
    root = unpacked(tmp_path)
    found = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("text")}
    assert found == {f"usr/share/doc/{name}/text": v for name, v in zip(NAMES, ("1.0", "1.1"), strict=True)}
    assert "some-sounds-wav_1.1_all.deb: sha256 " in capsys.readouterr().out


def test_a_folder_with_unpacked_packages_is_used_as_it_is(unpacked, tree):
    for _ in range(2):  # as when a job is run again
        root = unpacked(tree)
        assert sorted(path.read_text() for path in root.glob("usr/share/doc/*/copyright")) == NAMES


def test_a_package_that_is_missing_or_broken_is_an_error_of_one_line(tmp_path, unpacked, tree):
    message = r"package other: found neither other_\*\.deb nor usr/share/doc/other in .*; `apt-get download other`"
    with pytest.raises(DataError, match=message):
        unpacked(tree, ["other"])
    (tmp_path / "other_1_all.deb").write_text("no archive")
    with pytest.raises(DataError, match=r"^package .*other_1_all\.deb: cannot be unpacked: dpkg-deb: error: [^\n]*$"):
        unpacked(tmp_path, ["other"])


def test_without_a_network_or_apt_the_message_says_what_else_to_do(unpacked, monkeypatch):
    """apt-get is run as on a machine whose package lists are empty."""
    monkeypatch.setenv("APT_CONFIG", "apt.conf")
    with open("apt.conf", "w") as file:
        file.write('Dir::State "nowhere";\nDir::Etc "nowhere";\n')
    message = (
        r"package some-sounds: cannot be fetched: E: [^\n]*; or give DebianPackagesJob a folder with the packages$"
    )
    with pytest.raises(DataError, match=message):
        unpacked()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        DataError, match="cannot be fetched: apt-get is not installed; or give DebianPackagesJob a folder"
    ):
        unpacked()


def test_a_folder_enters_the_id_only_if_it_is_given():
    from jobs.debian_packages import DebianPackagesJob
    from sisyphus import tk

    plain = DebianPackagesJob(packages=NAMES).job_id()
    assert DebianPackagesJob(packages=NAMES, folder=None).job_id() == plain
    assert DebianPackagesJob(packages=NAMES, folder=tk.Path("x", hash_overwrite="x")).job_id() != plain
    assert DebianPackagesJob(packages=NAMES[:1]).job_id() != plain
