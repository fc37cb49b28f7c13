"""What happens when machines die, disks fill up, and requests meet the deadline (promises P1–P3)."""
