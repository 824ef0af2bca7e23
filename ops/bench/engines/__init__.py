"""`precis bench engine`: one request of a fixed size on each engine in turn, beside the machine's own peak."""
