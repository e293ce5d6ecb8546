"""The heads of a small Faster R-CNN, by torchvision, for src/lab/networks/detector.test.ts.

    /usr/bin/python3 scripts/golden/detector.py > test/golden/data/detector.json

Given features of two images and boxes of objects: matches of anchors and their targets, the four losses
with the gradient of their sum by every parameter and by the features, proposals and detections.
"""

import json

import torch
from torch import nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import AnchorGenerator, RegionProposalNetwork, RPNHead
from torchvision.ops import roi_align

torch.manual_seed(3)
WIDTH, HIDDEN, CLASSES, CELLS, STRIDE = 3, 6, 2, 3, 8
SIZE, SIDES = (48, 40), (8, 16)
PROPOSALS, DETECTIONS = dict(before=40, after=7, overlap=0.4), dict(after=20, overlap=0.5, score=0.25)

features = torch.randn(2, WIDTH, SIZE[0] // STRIDE, SIZE[1] // STRIDE)
objects = [
    {"boxes": torch.tensor([[3.0, 4, 20, 17], [22, 24, 38, 47]]), "labels": torch.tensor([0, 1])},
    {"boxes": torch.tensor([[9.0, 11, 31, 30]]), "labels": torch.tensor([1])},
]
anchors = torch.tensor([
    [x - s / 2, y - s / 2, x + s / 2, y + s / 2]
    for y in range(STRIDE // 2, SIZE[0], STRIDE)
    for x in range(STRIDE // 2, SIZE[1], STRIDE)
    for s in SIDES
], dtype=torch.float32)

head = RPNHead(WIDTH, len(SIDES))
rpn = RegionProposalNetwork(
    AnchorGenerator(), head, 0.7, 0.3, 256, 0.5,
    *({"training": PROPOSALS[key], "testing": PROPOSALS[key]} for key in ("before", "after")),
    PROPOSALS["overlap"],
)
for parameter in head.parameters():
    nn.init.normal_(parameter, std=0.3)
fc = nn.Linear(WIDTH * CELLS**2, HIDDEN)
logits = nn.Linear(HIDDEN, CLASSES + 1)
corrections = nn.Linear(HIDDEN, 4)
nn.init.normal_(logits.weight, std=1.5)
features.requires_grad_(True)

# Proposals: what each anchor is to be, and the losses of some of them.
labels, matched = rpn.assign_targets_to_anchors([anchors] * 2, objects)
deltas = rpn.box_coder.encode(matched, [anchors] * 2)
index = torch.arange(len(anchors))
positive = [(label == 1) & (index % 3 != 0) for label in labels]
negative = [(label == 0) & (index % 4 == 0) for label in labels]
rpn.fg_bg_sampler = lambda _: (positive, negative)
objectness, deltas = head([features])


def flat(value, last):
    count, _, high, wide = value.shape
    return value.view(count, -1, last, high, wide).permute(0, 3, 4, 1, 2).reshape(count, -1, last)


rows, moves = flat(objectness[0], 1), flat(deltas[0], 4)
objectness_loss, delta_loss = rpn.compute_loss(
    rows.flatten().unsqueeze(1), moves.reshape(-1, 4), labels, list(deltas)
)
decoded = rpn.box_coder.decode(moves.detach().reshape(-1, 4), [anchors] * 2).view(2, -1, 4)
proposed, _ = rpn.filter_proposals(
    decoded, rows.detach().reshape(2, -1), [SIZE] * 2, [len(anchors)]
)

# Regions: some of each image, what they are to be, and their losses.
regions = torch.tensor([
    [2.0, 3, 18, 16], [20, 20, 39, 46], [0, 30, 12, 44],
    [8, 9, 30, 33], [25, 1, 37.5, 12.5], [5, 5, 22, 40],
])
images = torch.tensor([0, 0, 0, 1, 1, 1])
called = torch.tensor([1, 2, 0, 2, 0, 2])
goal = torch.stack([
    objects[0]["boxes"][0], objects[0]["boxes"][1], regions[2],
    objects[1]["boxes"][0], regions[4], objects[1]["boxes"][0],
])
coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
wanted = coder.encode([goal], [regions])[0]
pooled = roi_align(
    features, [regions[images == i] for i in range(2)], CELLS, 1 / STRIDE, 2, aligned=True
)
inner = torch.relu(fc(pooled.flatten(1)))
scores, moved = logits(inner), corrections(inner)
class_loss, correction_loss = fastrcnn_loss(
    scores, moved.repeat(1, CLASSES + 1), [called], [wanted]
)
(objectness_loss + delta_loss + class_loss + correction_loss).backward()

# Detections in the first image, of its own proposals.
box_head = RoIHeads(
    None, None, None, 0.5, 0.5, 32, 0.25, (10.0, 10.0, 5.0, 5.0),
    DETECTIONS["score"], DETECTIONS["overlap"], DETECTIONS["after"],
)
with torch.no_grad():
    own = torch.relu(fc(roi_align(
        features[:1], [proposed[0]], CELLS, 1 / STRIDE, 2, aligned=True
    ).flatten(1)))
    found = box_head.postprocess_detections(
        logits(own), corrections(own).repeat(1, CLASSES + 1), [proposed[0]], [SIZE]
    )
boxes, sure, names = (part[0] for part in found)


def tensor(value):
    return {"dims": list(value.shape), "data": value.detach().flatten().tolist()}


parameters = {
    "rpn.conv": head.conv[0][0], "rpn.object": head.cls_logits, "rpn.shift": head.bbox_pred,
    "fc": fc, "head.logits": logits, "head.corrections": corrections,
}
weights = {
    f"{name}.{part}": getattr(layer, part)
    for name, layer in parameters.items() for part in ("weight", "bias")
}
print(json.dumps({
    "spec": {"size": SIZE, "classes": ["a", "b"], "stride": STRIDE, "anchors": SIDES, "cells": CELLS,
             "samples": 2, "proposals": PROPOSALS, "detections": DETECTIONS},
    "width": WIDTH, "hidden": HIDDEN,
    "features": tensor(features),
    "objects": [
        {"boxes": one["boxes"].tolist(), "labels": one["labels"].tolist()} for one in objects
    ],
    "anchors": anchors.tolist(),
    "matches": [
        [-2 if label == -1 else -1 if label == 0 else one["boxes"].tolist().index(box.tolist())
         for label, box in zip(each, boxes_of)]
        for each, boxes_of, one in zip(labels, matched, objects)
    ],
    "positive": [torch.where(mask)[0].tolist() for mask in positive],
    "negative": [torch.where(mask)[0].tolist() for mask in negative],
    "regions": tensor(regions), "images": images.tolist(), "labels": called.tolist(),
    "goals": goal.tolist(),
    "weights": {name: tensor(value) for name, value in weights.items()},
    "losses": {
        "objectness": objectness_loss.item(), "anchorDeltas": delta_loss.item(),
        "classes": class_loss.item(), "regionDeltas": correction_loss.item(),
    },
    "gradients": {
        **{name: tensor(value.grad) for name, value in weights.items()},
        "features": tensor(features.grad),
    },
    "proposals": proposed[0].tolist(),
    "detections": {
        "boxes": boxes.tolist(), "scores": sure.tolist(), "labels": (names - 1).tolist(),
    },
}))
