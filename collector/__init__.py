"""Records sessions of agents and people, imports those of other tools, and packs them into clips."""
