"""Makes sessions: environments, agents, capture, packing into clips."""
