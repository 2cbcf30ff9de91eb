"""What durability costs: the engine against the least that a durable step can be, on the same server."""
