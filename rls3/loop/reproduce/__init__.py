"""The entry points of `dvc.yaml`: what can be made again from versioned files. One module a stage,
so that each depends on no more code than it runs."""
