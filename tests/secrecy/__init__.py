"""What must not be seen before the hour, looked for wherever anybody could look."""
