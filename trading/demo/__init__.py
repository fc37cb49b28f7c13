"""`trading demo`: the sealed-bidding path end to end on real tenders, every party a process or a tool of its own."""
