"""The faults, one class or function each, and which of them a profile has."""
