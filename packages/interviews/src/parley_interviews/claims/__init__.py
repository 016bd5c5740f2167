"""What a request names an interview by before it has an id: external ids and idempotency keys."""
