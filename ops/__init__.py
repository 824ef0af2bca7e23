"""The `precis` command: settings, local stack, ingest, demo, deployment files."""
