"""Who proposes scenes: the environment, the placement solver, the PPO agent and the random agent."""
