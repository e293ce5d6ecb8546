"""Makes test/golden/defenses: what defenses do to a small network, by PyTorch.

    python3 scripts/golden/defenses.py

Needs PyTorch 1.13 and onnx. The network has a convolution over all channels, a depthwise one, one in
groups with a residual sum around it, and one of 1x1, each followed by BatchNormalization:

batchnorm.onnx   as written
folded.onnx      BatchNormalization folded into the convolutions, as exporters do

clp.json         CLP (Zheng et al. 2022): for each convolution the Lipschitz bound of its channels, and, for
                 two thresholds, the channels above it and the logits without them
ft-sam.json      weights and statistics of batchnorm.onnx after three steps of SGD with sharpness-aware
                 minimization (Foret et al. 2021; adaptive: Kwon et al. 2021) and label smoothing

All is computed in float64 from weights that float32 has exactly.
"""

import copy
import json
import pathlib
import warnings

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "defenses"
BATCH, STEPS, CLASSES = 8, 3, 4
LAYERS = ["stem", "depthwise", "block", "last"]
warnings.filterwarnings("ignore")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 12, 3, padding=1, bias=False)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False)
        self.block = nn.Conv2d(12, 12, 3, padding=1, groups=3, bias=False)
        self.last = nn.Conv2d(12, 14, 1, bias=False)
        for name in LAYERS:
            setattr(self, f"{name}_norm", nn.BatchNorm2d(getattr(self, name).out_channels))
        self.fc = nn.Linear(14, CLASSES)

    def layer(self, name, x):
        return getattr(self, f"{name}_norm")(getattr(self, name)(x))

    def forward(self, x):
        x = F.relu(self.layer("stem", x))
        x = F.relu(self.layer("depthwise", x))
        x = F.relu(self.layer("block", x) + x)
        x = F.relu(self.layer("last", x))
        return self.fc(x.mean((2, 3)))


def made():
    torch.manual_seed(20260701)
    net = Net().eval()
    with torch.no_grad():
        for name in LAYERS:
            norm = getattr(net, f"{name}_norm")
            norm.weight.copy_(0.8 + 0.4 * torch.rand_like(norm.weight))
            norm.bias.copy_(0.2 * torch.randn_like(norm.bias))
            norm.running_mean.copy_(0.2 * torch.randn_like(norm.running_mean))
            norm.running_var.copy_(0.5 + torch.rand_like(norm.running_var))
        # Outliers by the weights, by a scale (a negative one), by a variance; and one that is none, since
        # its variance is as large as its weights.
        net.stem.weight[5] *= 8
        net.depthwise_norm.weight[3] *= -9
        net.block_norm.running_var[7] /= 100
        net.block.weight[2] *= 8
        net.block_norm.running_var[2] *= 64
    return net


def folded(net):
    net = copy.deepcopy(net)
    for name in LAYERS:
        norm = getattr(net, f"{name}_norm")
        setattr(net, name, fuse_conv_bn_eval(getattr(net, name), norm))
        setattr(net, f"{name}_norm", nn.Identity())
    return net


def bounds_of(net, name):
    """The spectral norm of each channel's weights, [inputs, places], times |scale| / deviation."""
    conv, norm = getattr(net, name), getattr(net, f"{name}_norm")
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return torch.stack([
        torch.linalg.svdvals(weight.flatten(1) * each)[0]
        for weight, each in zip(conv.weight, factor)
    ])


def pruned(net, u):
    """What channels are above the threshold, and the network without them."""
    net = copy.deepcopy(net)
    channels = {}
    for name in LAYERS:
        bounds, norm = bounds_of(net, name), getattr(net, f"{name}_norm")
        above = torch.where(bounds > bounds.mean() + u * bounds.std())[0]
        norm.weight[above] = 0
        norm.bias[above] = 0
        channels[name] = above.tolist()
    return channels, net


def sam_step(net, optimizer, x, y, rho, adaptive, smoothing, masks):
    parameters = dict(net.named_parameters())

    def gradients():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y, label_smoothing=smoothing)
        loss.backward()
        for name, mask in masks.items():
            parameters[name].grad *= mask
        return float(loss)

    old = {k: v.clone() for k, v in net.named_buffers()}
    loss = gradients()
    # ONNX has the population variance where PyTorch has the sample's; all layers see the same places.
    n = x.numel() / x.size(1)
    statistics = {
        k: 0.9 * old[k] + (v - 0.9 * old[k]) * (n - 1) / n if "running_var" in k else v.clone()
        for k, v in net.named_buffers()
    }
    with torch.no_grad():
        sizes = {k: p.abs() if adaptive else torch.ones_like(p) for k, p in parameters.items()}
        length = torch.sqrt(sum(((sizes[k] * p.grad) ** 2).sum() for k, p in parameters.items()))
        before = {k: p.clone() for k, p in parameters.items()}
        for k, p in parameters.items():
            p += rho * sizes[k] ** 2 * p.grad / length
    gradients()
    with torch.no_grad():
        for k, p in parameters.items():
            p.copy_(before[k])
        if net.training:
            for k, v in net.named_buffers():
                v.copy_(statistics[k])
    optimizer.step()
    with torch.no_grad():
        for name, mask in masks.items():
            parameters[name] *= mask
    return loss


def trained(start, x, y, mode, rho, adaptive, smoothing, momentum, decay, rate, held):
    net = copy.deepcopy(start).train(mode == "training")
    masks = {}
    with torch.no_grad():
        for name, units in held.items():
            parameter = dict(net.named_parameters())[name]
            masks[name] = torch.ones_like(parameter)
            masks[name][units] = 0
            parameter *= masks[name]
    optimizer = torch.optim.SGD(net.parameters(), rate, momentum, weight_decay=decay)
    losses = []
    for step in range(STEPS):
        at = slice(step * BATCH, (step + 1) * BATCH)
        losses.append(sam_step(net, optimizer, x[at], y[at], rho, adaptive, smoothing, masks))
    last = dict(net.named_parameters())
    if mode == "training":
        last.update((k, v) for k, v in net.named_buffers() if "running" in k)
    return {
        "mode": "as written" if mode == "eval" else mode, "sharpness": {"rho": rho, "adaptive": adaptive},
        "smoothing": smoothing, "momentum": momentum, "weightDecay": decay, "rate": rate, "held": held,
        "losses": rounded(torch.tensor(losses)),
        "last": {k: rounded(v) for k, v in last.items()},
    }


def rounded(tensor, digits=7):
    return [float(f"{v:.{digits}g}") for v in tensor.detach().flatten().tolist()]


def export(net, x, name):
    torch.onnx.export(
        net, x, OUT / f"{name}.onnx", opset_version=13, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE, input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
    )


def write(name, data):
    (OUT / f"{name}.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")


OUT.mkdir(parents=True, exist_ok=True)
single = made()
images = torch.round(torch.randn(BATCH * STEPS, 2, 6, 6) * 16) / 16
labels = torch.randint(0, CLASSES, (BATCH * STEPS,))
export(single, images[:BATCH], "batchnorm")
export(folded(single), images[:BATCH], "folded")

net, x = single.double(), images.double()
with torch.no_grad():
    cases = []
    for u in (3.0, 1.5):
        channels, without = pruned(net, u)
        cases.append({"u": u, "pruned": channels, "logits": rounded(without(x[:BATCH]))})
        print(f"u {u}: {channels}")
    write("clp", {
        "images": rounded(x[:BATCH]), "logits": rounded(net(x[:BATCH])),
        "bounds": {name: rounded(bounds_of(net, name)) for name in LAYERS}, "cases": cases,
    })

usual = dict(smoothing=0.1, momentum=0.9, decay=5e-4, rate=0.01, held={})
write("ft-sam", {
    "images": rounded(x), "labels": labels.tolist(),
    "runs": [
        trained(net, x, labels, "eval", 2.0, True, **usual),
        trained(net, x, labels, "eval", 0.5, False, **usual),
        trained(net, x, labels, "training", 2.0, True, **usual),
        trained(net, x, labels, "eval", 2.0, True, **{**usual, "held": {
            "stem.weight": [0, 4], "stem_norm.weight": [0, 4], "stem_norm.bias": [0, 4]}}),
        trained(net, x, labels, "eval", 0.5, False, **{**usual, "held": {
            "stem.weight": [0, 4], "stem_norm.weight": [0, 4], "stem_norm.bias": [0, 4]}}),
    ],
})
