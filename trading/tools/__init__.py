"""What bidders and custodians run on their own machines: it believes the platform nothing and computes everything."""
