"""Loads configs: `config/g2p.demo(3)` calls demo(3) of config/g2p.py. An `async def` resumes as its jobs finish."""

import ast
import importlib
import inspect
import logging
import os
from importlib.machinery import PathFinder

import sisyphus.global_settings as gs

STEPS = 50  # iterations of the event loop per round: enough for a config to pass several finished awaits


class ConfigError(Exception):
    """A config cannot be found. The message says what was expected."""


class ConfigManager:
    def __init__(self):
        self._readers = []  # [(config, its asyncio task)]
        self._loop = None
        self.waiting = set()  # asyncio tasks that wait for jobs only
        self.current_config = None

    @property
    def loop(self):
        if self._loop is None:
            import asyncio  # not at the top: without it, a worker starts a third faster

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def load_configs(self, filenames=None):
        if not filenames:
            if os.path.isfile(gs.CONFIG_FILE_DEFAULT):
                filenames = [gs.CONFIG_FILE_DEFAULT]
            elif os.path.isdir(gs.CONFIG_PREFIX):
                filenames = [gs.CONFIG_FUNCTION_DEFAULT]
            else:
                raise ConfigError(
                    f"no config given, and there is neither {gs.CONFIG_FILE_DEFAULT} nor {gs.CONFIG_PREFIX}/ here"
                )
        for name in [filenames] if isinstance(filenames, str) else filenames:
            self.load_config_file(name)
        self.continue_readers()

    def load_config_file(self, config_name):
        name, parenthesis, rest = config_name.partition("(")
        try:
            parameters = ast.literal_eval(f"({rest.rpartition(')')[0]},)") if rest.strip(") ") else ()
        except (ValueError, SyntaxError):
            raise ConfigError(
                f"config {config_name}: its parameters have to be Python literals, without keywords, which only the command boulder takes"
            ) from None
        for path in gs.IMPORT_PATHS:
            if path.endswith("/") and name.startswith(path):
                name = name[len(path) :]
                break
        module_name, _, function_name = name.replace("/", ".").rpartition(".")
        if not all(part.isidentifier() for part in [*module_name.split("."), function_name]):
            raise ConfigError(f"config {config_name}: expected config/FILE.FUNCTION or config/FILE.py")
        self.current_config = os.path.abspath(name)
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if module_name != error.name and not module_name.startswith(f"{error.name}."):
                raise  # a module that the config imports is missing
            raise ConfigError(f"config {config_name}: there is no {module_name.replace('.', '/')}.py") from None
        function = getattr(module, function_name, None)
        if function is None and (function_name != "py" or parenthesis):
            known = [k for k, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__]
            raise ConfigError(f"config {config_name}: {module_name} has no function {function_name}, only {known}")
        task = None
        if inspect.iscoroutinefunction(function):
            task = self.loop.create_task(function(*parameters))
            self._readers.append((config_name, task))
            self.continue_readers()
        elif function is not None:
            function(*parameters)
        elif gs.WARNING_NO_FUNCTION_CALLED:
            logging.warning(f"{module_name} has no function py(): only its top level was run")
        logging.info(f"Loaded config: {config_name} (loaded module: {module_name})")
        self.current_config = None
        return task

    def continue_readers(self):
        """Resumes async configs until each waits again. Raises the exception of a config that failed."""
        for _ in range(STEPS if self.reader_running() else 0):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        for _, task in self._readers:
            if task.done() and not task.cancelled():
                task.result()

    def reader_running(self) -> bool:
        return any(not task.done() for _, task in self._readers)

    def only_waiting(self) -> bool:
        """Whether all unfinished async configs wait for jobs."""
        if not self.reader_running():
            return True
        import asyncio

        return asyncio.all_tasks(self.loop) <= self.waiting

    def print_config_reader(self):
        names = [name for name, task in self._readers if not task.done()]
        if names:
            logging.info(f"Configs waiting for jobs to finish: {' '.join(names)}")

    def cancel_all_reader(self):
        for name, task in self._readers:
            if not task.done():
                logging.warning(f"Stop config reader: {name}")
                task.cancel()


class RecipeFinder:
    """Imports along IMPORT_PATHS, also after a worker has changed to its job's directory."""

    @classmethod
    def find_spec(cls, fullname, path, target=None):
        for entry in gs.IMPORT_PATHS:
            directory, _, package = entry.rpartition("/")
            if package and fullname.split(".")[0] != package:
                continue
            search = path or [os.path.abspath(os.path.join(gs.BASE_DIR, directory or "."))]
            spec = PathFinder.find_spec(fullname, search, target)
            if spec is not None:
                return spec
        return None

    @classmethod
    def invalidate_caches(cls):
        PathFinder.invalidate_caches()


config_manager = ConfigManager()
