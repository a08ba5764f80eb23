"""With which infrastructure: the stages as Prefect tasks, MLflow (`tracking`), DVC (`versioning`),
the registry (`handoff`)."""
