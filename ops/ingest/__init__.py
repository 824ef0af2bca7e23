"""Publishing postings from files, and following each until it is servable or dead-lettered."""
