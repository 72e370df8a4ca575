"""`hardlink_or_copy`: copies a folder without copying its files, where the file system allows that."""

import logging
import os
import shutil


def hardlink_or_copy(src, dst, use_symlink_instead_of_copy=False):
    """Makes hard links to all files of a folder in another one, and copies, or symbolic links, where a hard link is impossible.

    Files that are there already stay. (Upstream raises an error where the two folders are on different file systems.)
    """
    for folder, _, names in os.walk(src):
        target = os.path.normpath(os.path.join(dst, os.path.relpath(folder, src)))
        os.makedirs(target, exist_ok=True)
        for name in names:
            file, copy = os.path.join(folder, name), os.path.join(target, name)
            try:
                os.link(file, copy)
            except FileExistsError:
                if not os.path.isfile(copy):
                    raise
            except OSError as error:
                way = "links symbolically" if use_symlink_instead_of_copy else "copies"
                logging.warning(f"cannot make a hard link from {copy} to {file} ({error.strerror}): {way} it")
                if use_symlink_instead_of_copy:
                    os.symlink(os.path.abspath(file), copy)
                else:
                    shutil.copy2(file, copy)
