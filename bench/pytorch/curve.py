"""A pruning curve that masks a unit and evaluates the whole network, step by step."""
import time

import torch

from exchange import Masked, load, predict


def curve(network, folder, pictures, batch, order, pruned):
    """Time and classes of the pictures with the first so many units of `order` pruned."""
    model, site, images, _ = load(network, folder)
    masked = Masked(site)
    masked.mask = torch.ones(len(order))
    times, found = [], []
    for count in pruned:
        start = time.perf_counter()
        masked.mask.fill_(1)
        masked.mask[order[:count]] = 0
        found.append(predict(model, images[:pictures], batch).tolist())
        times.append(1000 * (time.perf_counter() - start))
    return {"ms": times, "predicted": found}
