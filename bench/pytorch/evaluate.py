"""The forward pass in eval mode."""
import time

import torch

from networks import NETWORKS

models = {}


def evaluate(network, batch, steps):
    """Time of each pass over one batch."""
    key = (network, batch)
    if key not in models:
        torch.manual_seed(0)
        model = NETWORKS[network]().eval()
        models[key] = model, torch.rand(batch, *model.sample)
    model, x = models[key]
    times = []
    with torch.inference_mode():
        for _ in range(steps):
            start = time.perf_counter()
            model(x)
            times.append(1000 * (time.perf_counter() - start))
    return {"ms": times}
