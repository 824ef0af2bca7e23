"""Who may call, and how many of the ranker's tokens each may spend."""
