"""`precis bench`: what the services add to the engine's own time, measured against the same engine without them."""
