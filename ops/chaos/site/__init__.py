"""What a segment runs on: broker and store of a profile, and the processes on top of them."""
