"""Boxes as others see them, for src/data/boxes.test.ts and src/metrics/detection.test.ts.

    /usr/bin/python3 scripts/golden/detection.py > test/golden/data/detection.json

IoU and non-maximum suppression are torchvision's. Average precision, which it has none of, is worked
out here in another way than in the tool: for every recall the best precision of all thresholds that
reach it is looked for, with exact fractions, and matching compares every pair first.
"""

import json
from fractions import Fraction

import numpy
import torch
from torchvision.ops import box_iou, nms

rng = numpy.random.default_rng(5)


def boxes(count, size=100):
    corner = rng.uniform(0, size * 0.7, (count, 2))
    side = rng.uniform(size * 0.1, size * 0.5, (count, 2))
    return numpy.round(numpy.concatenate([corner, corner + side], 1), 1)


def suppression(count, overlap):
    many, scores = boxes(count), numpy.round(rng.uniform(0, 1, count), 4)
    kept = nms(torch.tensor(many), torch.tensor(scores), overlap)
    return {
        "boxes": many.tolist(), "scores": scores.tolist(), "overlap": overlap,
        "kept": kept.tolist(),
    }


def near(box):
    return numpy.round(box + rng.normal(0, 4, 4), 1)


def scenes(count, classes):
    made = []
    for _ in range(count):
        own = boxes(rng.integers(0, 5))
        objects = [
            {"box": box.tolist(), "label": int(rng.integers(classes)),
             "difficult": bool(rng.uniform() < 0.2)}
            for box in own
        ]
        guesses = [
            {"box": near(numpy.array(one["box"])).tolist(),
             "label": one["label"] if rng.uniform() < 0.8 else int(rng.integers(classes)),
             "score": round(float(rng.uniform()), 4)}
            for one in objects for _ in range(rng.integers(0, 3))
        ]
        guesses += [
            {"box": box.tolist(), "label": int(rng.integers(classes)),
             "score": round(float(rng.uniform()) * 0.6, 4)}
            for box in boxes(rng.integers(0, 3))
        ]
        made.append({"objects": objects, "detections": guesses})
    return made


def marks(scene, label, overlap):
    """For each detection of the class: its score, and whether it is right, wrong or left out."""
    objects = [o for o in scene["objects"] if o["label"] == label]
    found = sorted((d for d in scene["detections"] if d["label"] == label), key=lambda d: -d["score"])
    if not found:
        return []
    table = numpy.zeros((len(found), 0))
    if objects:
        table = box_iou(
            torch.tensor([d["box"] for d in found], dtype=torch.float64),
            torch.tensor([o["box"] for o in objects], dtype=torch.float64),
        ).numpy()
    free, answer = set(range(len(objects))), []
    for row, guess in enumerate(found):
        fit = [c for c in free if table[row, c] >= overlap]
        easy = [c for c in fit if not objects[c]["difficult"]]
        if easy:
            free.remove(max(easy, key=lambda c: table[row, c]))
            answer.append((guess["score"], "right"))
        else:
            answer.append((guess["score"], "left out" if fit else "wrong"))
    return answer


def precision(some, label, overlap):
    wanted = sum(
        o["label"] == label and not o["difficult"] for scene in some for o in scene["objects"]
    )
    if wanted == 0:
        return None
    all_marks = [m for scene in some for m in marks(scene, label, overlap)]
    points = []
    for threshold in sorted({score for score, _ in all_marks}):
        kept = [what for score, what in all_marks if score >= threshold and what != "left out"]
        right = kept.count("right")
        if kept:
            points.append((Fraction(right, wanted), Fraction(right, len(kept))))

    def best(recall):
        return max((p for r, p in points if r >= recall), default=Fraction(0))

    area = sum(best(Fraction(step, wanted)) for step in range(1, wanted + 1)) / wanted
    coco = sum(best(Fraction(step, 100)) for step in range(101)) / 101
    return {"area": float(area), "coco": float(coco)}


many = scenes(40, 3)
a, b = boxes(6), boxes(7)
print(json.dumps({
    "iou": {"a": a.tolist(), "b": b.tolist(),
            "iou": box_iou(torch.tensor(a), torch.tensor(b)).tolist()},
    "suppression": [suppression(count, overlap) for count, overlap in ((30, 0.5), (60, 0.3), (60, 0.7))],
    "precision": {
        "scenes": many,
        "by": [
            {"overlap": overlap, "classes": [precision(many, label, overlap) for label in range(4)]}
            for overlap in (0.5, 0.75)
        ],
    },
}))
