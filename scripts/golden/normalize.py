"""Makes test/golden/normalize: small networks as PyTorch exports them at several opsets.

Run with PyTorch 1.13: python3 scripts/golden/normalize.py
Beside each NAME.onnx lies NAME.json with an input and PyTorch's output for it.
"""

import json
import math
import pathlib
import warnings

import torch
import torch.nn.functional as F
from torch import nn

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "normalize"
warnings.filterwarnings("ignore")


class Cnn(nn.Module):
    """Conv, BatchNorm, ReLU6, both poolings, dropout, softmax over classes."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, groups=2, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu6(self.bn1(self.conv1(x))), 2, ceil_mode=True)
        x = F.avg_pool2d(F.leaky_relu(self.bn2(self.conv2(x))), 2, stride=1)
        x = F.dropout(x.view(x.size(0), -1), 0.5, self.training)
        return F.softmax(self.fc(x), dim=1)


class Resizer(nn.Module):
    """What dense prediction is made of: resizing both ways, padding, slices, splits, clamps."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.up = nn.Conv2d(8, 4, 1)
        self.norm = nn.InstanceNorm2d(8, affine=True)

    def forward(self, x):
        y = self.norm(self.down(x)).clamp(min=-1.5)
        a, b = y.chunk(2, dim=1)
        y = torch.cat([b, a.abs()], dim=1)
        y = F.interpolate(self.up(y), scale_factor=2, mode=self.mode, **self.options)
        y = F.interpolate(y, size=(13, 17), mode="nearest")
        y = F.pad(y, (1, 0, 2, 1), value=0.25)[:, :, 1:, :-1]
        y = torch.cat([y, y.mean(dim=1, keepdim=True), y.max(dim=1, keepdim=True)[0]], dim=1)
        return F.log_softmax(y, dim=1).sum(dim=(2, 3)) / 100


class Block(nn.Module):
    """A transformer block with attention written out, over learnt positions."""

    def __init__(self, activation=nn.GELU, width=12, heads=3):
        super().__init__()
        self.heads = heads
        self.positions = nn.Parameter(torch.randn(1, 6, width))
        self.register_buffer("later", torch.ones(6, 6).triu(1).bool())
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 20), activation(), nn.Linear(20, width))
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        n, t, c = x.shape
        x = x + self.positions
        q, k, v = self.qkv(self.norm1(x)).split(c, dim=2)
        split = lambda z: z.view(n, t, self.heads, c // self.heads).transpose(1, 2)
        scores = split(q) @ split(k).transpose(-2, -1) / math.sqrt(c // self.heads)
        scores = scores.masked_fill(self.later, float("-inf"))
        y = (scores.softmax(dim=-1) @ split(v)).transpose(1, 2).reshape(n, t, c)
        x = x + self.out(y)
        x = x + self.mlp(self.norm2(x))
        return self.head(x.squeeze(1).mean(dim=1))


def resizer(mode, **options):
    net = Resizer()
    net.mode, net.options = mode, options
    return net


def export(name, net, x, opset, dynamic=True):
    torch.manual_seed(7)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.4)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
    net.to(x.dtype).eval()
    with torch.no_grad():
        y = net(x)
    torch.onnx.export(
        net,
        x,
        OUT / f"{name}.onnx",
        opset_version=opset,
        # As it is, not folded: BatchNormalization and Constant nodes stay.
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}} if dynamic else None,
    )
    record = {
        "opset": opset,
        "x": {"dims": list(x.shape), "data": x.double().flatten().tolist()},
        "y": {"dims": list(y.shape), "data": y.double().flatten().tolist()},
    }
    (OUT / f"{name}.json").write_text(json.dumps(record) + "\n")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    # Values with few digits, so that the records stay small.
    image = (torch.randn(2, 3, 10, 10) * 64).round() / 64
    words = (torch.randn(2, 6, 12) * 64).round() / 64
    export("cnn-9", Cnn(), image, 9)
    # Before opset 11 a resize cannot say half-pixel coordinates, nor sizes that are computed.
    export("resize-9", resizer("nearest"), image, 9, dynamic=False)
    export("resize-10", resizer("nearest"), image, 10, dynamic=False)
    export("resize-11", resizer("bilinear", align_corners=True), image, 11)
    export("block-11", Block(), words, 11)
    export("cnn-13", Cnn(), image, 13)
    export("block-13", Block(), words, 13)
    export("block-17", Block(), words, 17)
    # ONNX Runtime has no Erf, which GELU is made of, for doubles.
    export("block-double-10", Block(nn.ReLU6), words.double(), 10)


if __name__ == "__main__":
    main()
