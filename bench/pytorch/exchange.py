"""The weights and pictures that the other side wrote: bench/exchange.ts."""
from os.path import join

import numpy as np
import torch

from networks import NETWORKS, SITES


def load(network, folder):
    """The network in eval mode, the module that makes the last site, pictures and labels."""
    model = NETWORKS[network]().eval()
    numbers = torch.from_numpy(np.fromfile(join(folder, "weights.bin"), dtype=np.float32))
    at = 0
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        tensor.copy_(numbers[at : at + tensor.numel()].view_as(tensor))
        at += tensor.numel()
    assert at == len(numbers), f"{len(numbers)} numbers for a network of {at}"
    pictures = np.fromfile(join(folder, "pictures.bin"), dtype=np.uint8)
    labels = torch.from_numpy(np.fromfile(join(folder, "labels.bin"), dtype=np.int32)).long()
    pictures = torch.from_numpy(pictures).view(len(labels), *model.sample)
    return model, SITES[network](model), pictures, labels


def predict(model, pictures, batch):
    """The class of each picture, batch by batch."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            found.append(model(pictures[start : start + batch].float() / 255).argmax(1))
    return torch.cat(found)


class Masked:
    """A site whose units can be masked, as published implementations do it."""

    def __init__(self, site):
        self.mask = None
        self.seen = None
        self.handle = site.register_forward_hook(self.hook)

    def hook(self, module, inputs, output):
        self.seen = output
        if self.mask is not None:
            return output * self.mask.view(1, -1, *[1] * (output.dim() - 2))
