"""Named doubles that several suites share. Each passes the contract suite of what it stands for."""
