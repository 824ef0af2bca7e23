"""`precis demo`: a tour of the running system on shipped sample postings, with everything measured on the way."""
