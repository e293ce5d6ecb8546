"""Training steps: SGD with momentum 0.9, cross-entropy."""
import time

import torch
import torch.nn.functional as F

from networks import NETWORKS


class Trainer:
    def __init__(self, network, batch):
        torch.manual_seed(0)
        self.model = NETWORKS[network]().train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.x = torch.rand(batch, *self.model.sample)
        self.y = torch.arange(batch) % self.model.classes

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


trainers = {}


def train(network, batch, steps):
    """Time of each step, made on from where the last call left the network."""
    key = (network, batch)
    if key not in trainers:
        trainers[key] = Trainer(*key)
    trainer = trainers[key]
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        loss = trainer.step()
        times.append(1000 * (time.perf_counter() - start))
    parameters = sum(p.numel() for p in trainer.model.parameters())
    return {"ms": times, "loss": loss, "parameters": parameters}
