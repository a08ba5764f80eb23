"""With which infrastructure: Prefect tasks around the stages, MLflow (`tracking`), DVC (`versioning`)."""
