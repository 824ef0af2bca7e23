"""How far behind the nearline service is: committed offsets of its groups against the ends of their topics."""
