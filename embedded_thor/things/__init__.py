"""What stands and lies in rooms: how each thing is made, and what it looks like."""
