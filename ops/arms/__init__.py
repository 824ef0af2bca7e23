"""`precis arms`: the rankers of running scorers, process by process."""
