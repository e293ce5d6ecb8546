"""Fine-pruning end to end: profile, curve, fine-tuning, evaluation."""
import time

import torch
import torch.nn.functional as F

from exchange import Masked, load, predict


def profile(model, masked, images, batch):
    """Mean activation of each unit, after the nonlinearity."""
    total = 0
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            model(images[start : start + batch].float() / 255)
            total = total + masked.seen.double().mean(dim=(2, 3)).sum(0)
    return total / len(images)


def cached_curve(model, masked, images, labels, batch, order):
    """Right answers along the curve, the network up to the site run once. ResNet's only."""
    with torch.inference_mode():
        kept = []
        for start in range(0, len(images), batch):
            model(images[start : start + batch].float() / 255)
            kept.append(masked.seen)
        kept = torch.cat(kept)
        hits = []
        for count in range(len(order)):
            mask = torch.ones(len(order))
            mask[order[:count]] = 0
            scores = model.fc(torch.flatten(model.avgpool(kept * mask.view(1, -1, 1, 1)), 1))
            hits.append(int((scores.argmax(1) == labels).sum()))
    return hits


def fine_tune(model, masked, images, labels, holdout, epochs, batch, rate):
    """SGD on all parameters, normalization as in use; the accuracy on holdout data after each epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    best, kept = -1, None
    for epoch in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch):
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(images[chosen].float() / 255), labels[chosen])
            loss.backward()
            optimizer.step()
        hits = int((predict(model, holdout[0], batch) == holdout[1]).sum())
        if hits >= best:
            best, kept = hits, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)


def defend(network, folder, tune, holdout, test, epochs, batch, rate, timedSteps, timedEpochs):
    """
    Times of the parts, in milliseconds. Images are first those to tune on, then the holdout, then
    the test data. The curve by masks is timed on `timedSteps` of its steps and fine-tuning on
    `timedEpochs` of its epochs, and multiplied: all of them do the same work.
    """
    torch.manual_seed(0)
    model, site, images, labels = load(network, folder)
    masked = Masked(site)
    validation = tune + holdout
    times = {}
    since = time.perf_counter()

    def lap(part, factor=1):
        nonlocal since
        times[part] = 1000 * factor * (time.perf_counter() - since)
        since = time.perf_counter()

    predict(model, images[validation : validation + test], batch)
    lap("evaluate")
    order = profile(model, masked, images[:validation], batch).argsort()
    lap("profile")
    masked.mask = torch.ones(len(order))
    for count in range(timedSteps):
        masked.mask[order[:count]] = 0
        predict(model, images[:validation], batch)
    lap("curve", len(order) / timedSteps)
    masked.mask = None
    cached_curve(model, masked, images[:validation], labels[:validation], batch, order)
    lap("cachedCurve")
    masked.mask = torch.ones(len(order))
    masked.mask[order[: len(order) // 2]] = 0
    fine_tune(
        model, masked, images[:tune], labels[:tune],
        (images[tune:validation], labels[tune:validation]), timedEpochs, batch, rate,
    )  # fmt: skip
    lap("fineTune", epochs / timedEpochs)
    predict(model, images[validation : validation + test], batch)
    lap("evaluateAfter")
    return {"times": times}
