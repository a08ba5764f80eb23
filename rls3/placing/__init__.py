"""From a proposal to poses that show it: goals and moves, rooms, the solver, validity, the object
container, and the axes along which failure is looked at."""
