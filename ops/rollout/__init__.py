"""Rolling out a new summarizer over what is stored, without a gap, and bringing it back after a restart."""
