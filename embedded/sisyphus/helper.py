"""`sis console`: a Python shell with the graph loaded."""

import sisyphus.toolkit
from sisyphus.loader import config_manager


def console(args) -> int:
    names = {"tk": sisyphus.toolkit, "config_files": args.config_files}
    if args.load:
        names["jobs"] = [sisyphus.toolkit.load_job(path) for path in args.load]
    elif not args.not_load_config:
        config_manager.load_configs(args.config_files)
    if args.script:
        exec("\n".join(args.commands), names)
        return 0
    try:
        import IPython
        from traitlets.config.loader import Config
    except ImportError:
        import code

        shell = code.InteractiveConsole(names)
        for command in args.commands:
            shell.push(command)
        shell.interact(banner="tk is the toolkit, tk.sis_graph the graph (install IPython for a better shell)")
        return 0
    config = Config()
    config.InteractiveShellApp.exec_lines = args.commands
    IPython.start_ipython(config=config, argv=[], user_ns=names)
    return 0
