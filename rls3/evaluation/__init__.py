"""How well a VLM knows spatial relations: frozen benchmarks, metrics by slice, intervals."""
