"""In what order: Prefect flows. They read like the figure of the loop."""
