"""The subcommands of `boulder`. `jobs.cli` parses their arguments."""
