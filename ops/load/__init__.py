"""`precis load`: open-loop load on the scorer, and what its answers are worth under it."""
