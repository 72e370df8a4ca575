"""A job's directory: created, filled with the pickled job for the worker, moved aside, packed after the job has finished."""

import contextlib
import gzip
import logging
import os
import pickle
import shutil

import sisyphus.global_settings as gs
from sisyphus.atomic_file import replaced

NOT_SAVED = ("_sis_worker_wrapper", "_sis_task_cache", "_sis_job_lock", "_sis_blocks")


def job_finished(path) -> bool:
    names = (gs.JOB_FINISHED_MARKER, gs.JOB_FINISHED_ARCHIVE)
    return any(os.path.isfile(os.path.join(path, name)) for name in names)


class JobDirectory:
    """Mixin of Job: its directory."""

    def _sis_path(self, path_type: str | None = None, task_id: int | None = None, abspath: bool = False) -> str:
        path = f"{gs.WORK_DIR}/{self._sis_id()}"
        if gs.JOB_USE_TAGS_IN_PATH and self._sis_tags:
            path += ("." + ".".join(sorted(self._sis_tags)))[:80]
        if path_type is not None:
            path = os.path.join(path, path_type)
        if task_id is not None:
            path += f".{task_id}"
        return os.path.join(gs.BASE_DIR, path) if abspath else path

    def _sis_setup(self) -> bool:
        return os.path.isdir(self._sis_path())

    def _sis_setup_directory(self, force=False):
        """Repeated once per manager, so that an older directory gets the current requirements and aliases."""
        if self._sis_setup_since_restart and not force and self._sis_setup():
            return
        base = self._sis_path()
        if os.path.islink(base) and not os.path.exists(base):
            logging.warning(f"removed {base}, a dangling link to {os.readlink(base)}")
            os.unlink(base)
        for name in (gs.JOB_WORK_DIR, gs.JOB_OUTPUT, gs.JOB_INPUT, gs.JOB_LOG_ENGINE):
            os.makedirs(self._sis_path(name), exist_ok=True)
        for path in self._sis_output_dirs:
            os.makedirs(path.get_path(), exist_ok=True)
        for creator in {path.creator for path in self._sis_inputs if path.creator}:
            name = creator._sis_id()
            if len(name) > 255:  # longer than file systems allow
                name = name.split("/")[-1]
            with contextlib.suppress(FileExistsError):
                link = os.path.join(self._sis_path(gs.JOB_INPUT), name.replace("/", "_"))
                os.symlink(os.path.abspath(creator._sis_path()), link, target_is_directory=True)
        self._sis_save()
        self._sis_write_info()
        self._sis_setup_since_restart = True

    def _sis_save(self):
        """Atomic, since a worker may start at this moment."""
        with replaced(self._sis_path(gs.JOB_SAVE)) as new, gzip.open(new, "wb", compresslevel=1) as file:
            pickle.dump(self, file)

    def _sis_write_info(self):
        lines = [f"TAG: {tag}" for tag in sorted(self._sis_tags)]
        lines += [f"INPUT: {path}" for path in sorted(path.get_path() for path in self._sis_inputs)]
        lines += [f"PARAMETER: {name}: {value}" for name, value in sorted(self._sis_kwargs.items())]
        lines += [f"ALIAS: {alias}" for alias in sorted(self._sis_aliases or ())]
        with open(self._sis_path(gs.JOB_INFO), "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(f"{line}\n" for line in lines)

    def __getnewargs__(self):
        return (self._sis_id(),)

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key not in NOT_SAVED}

    def __setstate__(self, state):
        """Drops tasks that upstream has saved: tasks() of the current code is called instead."""
        self.__dict__.update({key: value for key, value in state.items() if key not in NOT_SAVED})
        self._sis_worker_wrapper = gs.worker_wrapper

    def _sis_move(self):
        """Moves the directory aside, so that the job starts from scratch."""
        path, number = self._sis_path(), 1
        while os.path.exists(f"{path}.cleared.{number:04}"):
            number += 1
        logging.info(f"move {path} to {path}.cleared.{number:04}")
        os.rename(path, f"{path}.cleared.{number:04}")
        self._sis_is_finished = False

    def _sis_delete(self):
        path = self._sis_path()
        logging.info(f"delete {path}")
        if os.path.islink(path):
            os.unlink(path)
        else:
            shutil.rmtree(path, ignore_errors=True)
        self._sis_is_finished = False

    def _sis_cleanable(self) -> bool:
        path = self._sis_path()
        return self._sis_finished() and not (
            os.path.islink(path) or os.path.isfile(self._sis_path(gs.JOB_FINISHED_ARCHIVE))
        )

    def _sis_cleanup(self):
        """Packs everything but output, info and input into finished.tar.gz and deletes work/, unless settings keep it.

        The archive appears atomically and before anything is deleted, so the job counts as finished at every moment.
        """
        import tarfile

        base = self._sis_path(abspath=True)
        kept = {gs.JOB_OUTPUT, gs.JOB_INFO, gs.JOB_WORK_DIR, *([gs.JOB_INPUT] if gs.JOB_CLEANUP_KEEP_INPUT else [])}
        names = sorted(set(os.listdir(base)) - kept)
        archive = os.path.join(base, gs.JOB_FINISHED_ARCHIVE)
        try:
            with replaced(archive) as new, tarfile.open(new, "w:gz", compresslevel=1) as tar:
                for name in names:
                    tar.add(os.path.join(base, name), arcname=name)
            for name in names if gs.JOB_CLEANUP_KEEP_WORK else [*names, gs.JOB_WORK_DIR]:
                path = os.path.join(base, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
        except OSError as error:
            logging.warning(f"could not clean up {base}: {error}")

    def _sis_import_from_dirs(self, import_dirs, mode) -> bool:
        """Imports this job's finished directory from another work directory."""
        here = self._sis_path()
        if os.path.islink(here) and not os.path.exists(here):
            os.unlink(here)
        for other in import_dirs:
            source = os.path.realpath(os.path.join(other, self._sis_id()))
            if os.path.lexists(here) or not job_finished(source):
                continue
            logging.info(f"import ({mode}) {self._sis_id()} from {source}")
            if mode != "dryrun":
                os.makedirs(os.path.dirname(here), exist_ok=True)
            if mode == "symlink":
                os.symlink(source, here, target_is_directory=True)
            elif mode in ("copy", "hardlink"):
                copy_function = os.link if mode == "hardlink" else shutil.copy2
                shutil.copytree(source, here, symlinks=True, copy_function=copy_function)
            return True
        return False
