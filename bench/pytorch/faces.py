"""Trains DeepID on the faces of the task in PyTorch, and prints its test accuracy as JSON.

Takes a folder with the samples and labels of train and test, and recipe.json: the same data,
changes by chance and budget as the task has. bench/faces.ts writes it.
"""
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from networks import DeepId

folder = sys.argv[1]
recipe = json.load(open(f"{folder}/recipe.json"))


def part(name):
    y = np.fromfile(f"{folder}/{name}-y.i32", "<i4").astype("int64")
    x = np.fromfile(f"{folder}/{name}-x.f32", "<f4").reshape(len(y), 3, 55, 47)
    return torch.from_numpy(x), torch.from_numpy(y)


def within(limit, *dims):
    return (2 * torch.rand(*dims) - 1) * limit


def changed(x):
    """As wander, relight and erase of src/data/augment.ts."""
    n, _, height, width = x.shape
    w = recipe["wander"]
    angle, scale = within(w["rotate"], n) * math.pi / 180, 1 / (1 + within(w["scale"], n))
    side = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if w["flip"] else torch.ones(n)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    right, down = within(w["shift"], n), within(w["shift"], n)
    # In pixels from the middle; grid_sample counts in halves of the image.
    a, b = (width - 1) / 2, (height - 1) / 2
    theta = torch.stack(
        [
            torch.stack([side * cos, side * sin * b / a, -side * (cos * right + sin * down) / a], 1),
            torch.stack([-sin * a / b, cos, (sin * right - cos * down) / b], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, x.shape, align_corners=True)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=True)
    r = recipe["relight"]
    mean = x.mean((1, 2, 3), keepdim=True)
    gain = 1 + within(r["contrast"], n, 1, 1, 1)
    x = (x - mean) * gain + mean + within(r["brightness"], n, 1, 1, 1)
    x = x + within(r["tint"], n, 3, 1, 1)
    e = recipe["erase"]
    for image in x:
        tall = round(torch.rand(()).item() * e["most"] * height)
        wide = round(torch.rand(()).item() * e["most"] * width)
        top = torch.randint(height - tall + 1, ()).item()
        left = torch.randint(width - wide + 1, ()).item()
        color = e["low"] + (e["high"] - e["low"]) * torch.rand(3, 1, 1)
        image[:, top : top + tall, left : left + wide] = color
    return x


torch.set_num_threads(recipe["threads"])
torch.manual_seed(recipe["seed"])
(x, y), (test_x, test_y) = part("train"), part("test")
model = DeepId(recipe["classes"]).train()
each = math.ceil(len(y) / recipe["batchSize"])
optimizer = torch.optim.Adam(model.parameters(), lr=recipe["rate"])
# PyTorch cycles Adam's first beta too unless told otherwise; ours stays.
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, recipe["rate"], total_steps=each * recipe["epochs"], cycle_momentum=False
)
started = time.time()
for epoch in range(recipe["epochs"]):
    for rows in torch.randperm(len(y)).split(recipe["batchSize"]):
        optimizer.zero_grad(set_to_none=True)
        logits = model(changed(x[rows]))
        loss = F.cross_entropy(logits, y[rows], label_smoothing=recipe["smoothing"])
        loss.backward()
        optimizer.step()
        schedule.step()
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}", file=sys.stderr)
model.eval()
with torch.no_grad():
    hits = (model(test_x).argmax(1) == test_y).sum().item()
print(
    json.dumps(
        {
            "seed": recipe["seed"],
            "torch": torch.__version__,
            "acc": {"rate": hits / len(test_y), "hits": hits, "of": len(test_y)},
            "seconds": time.time() - started,
        }
    )
)
