"""Who proposes scenes (paper: data generation, step 1 of the loop), behind `interface.Agent`.

An agent is one module here with `make(params, space, floor_plans, seed) -> Agent`, its name in
`AgentParams.name`, and a group of its own there if it has parameters.
"""
