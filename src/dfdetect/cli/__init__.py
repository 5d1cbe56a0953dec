"""The command line: one file a command group, each room imported lazily."""
