"""The subcommands of `precis`, thin: they read options and settings, call what does the work, and print."""
