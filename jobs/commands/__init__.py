"""What the subcommands of `boulder` do. `jobs.cli` parses their arguments."""
