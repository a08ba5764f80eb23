"""Where mapped tasks run: threads, processes or a Dask cluster, by `execution.runner`."""
