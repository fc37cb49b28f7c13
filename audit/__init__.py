"""What happened, provably: records, a public Merkle log, receipts, archives. Knows nothing of procurement."""
