"""A folder with the programs of a bare Debian that has Python and make, and with no others, to be the whole PATH.

    python3 tests/bare_path.py FOLDER

`.ci/run` runs the README's commands with it, and tests/conftest.py runs every test with it that carries no marker of a system
package. Needs only the standard library.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAMS = """
sh bash dash make apt-get apt-config dpkg dpkg-deb dpkg-query gpgv sqv
[ arch base64 basename cat chgrp chmod chown cksum comm cp cut date dd df dirname du echo env expand expr factor false fmt
fold groups head hostid id install join link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od
paste pathchk pr printenv printf pwd readlink realpath rm rmdir seq sha1sum sha256sum sha512sum shred shuf sleep sort split
stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort tty uname unexpand uniq unlink users wc who
whoami yes
awk mawk cmp diff egrep fgrep find grep gunzip gzip sed tar xargs zcat
flock getopt hostname ionice kill mount mountpoint more nsenter prlimit rev script setpriv setsid su taskset umount unshare
getconf getent iconv ldconfig ldd locale perl pidof run-parts which
"""
"""programs of Debian's essential and required packages, and make; Python is added"""


def fill(folder: Path) -> Path:
    """
    :param folder: an empty folder
    :return: `folder`, with a link to each of the programs that this machine has
    """
    for program in PROGRAMS.split():
        if found := shutil.which(program):
            (folder / program).symlink_to(found)
    # A script, since a virtual environment built by a link would look for its libraries beside the link.
    python = folder / "python3"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(os.path.realpath(sys.executable))} "$@"\n')
    python.chmod(0o755)
    return folder


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
