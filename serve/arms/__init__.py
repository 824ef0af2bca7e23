"""Ranker rollouts: several rankers (arms) in one scorer, who serves which query, and how one takes over."""
