"""Makes test/golden/classifiers: small classifiers as people export them, with what PyTorch computes.

    python3 scripts/golden/classifiers.py

Needs PyTorch 1.13 and onnx. Each is peculiar in what it takes or gives:

batch-of-one     exported for one image (opset 9), softmax at the end: shapes are constants
bytes-nhwc       takes uint8 images, channels last, and normalizes them itself; gives logits,
                 features and the label (opset 17)
two-heads        an auxiliary head beside the main one, weights in a file beside it (opset 12)
token            exported for one image (opset 14): a class token beside the patches, attention

NAME.json has PyTorch's input (bytes of pictures, row-major as the model takes them) and logits.
"""

import json
import pathlib
import warnings

import numpy as np
import onnx
import torch
from torch import nn

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "classifiers"
SAMPLES = 5
warnings.filterwarnings("ignore")


def trunk():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    )


class BatchOfOne(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk, self.fc = trunk(), nn.Linear(24, 4)

    def logits(self, x):
        return self.fc(self.trunk(x).view(x.size(0), 24))

    def forward(self, x):
        return torch.softmax(self.logits(x), 1)


class BytesNhwc(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk, self.fc = trunk(), nn.Linear(24, 4)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def features(self, x):
        x = x.permute(0, 3, 1, 2).float() / 255
        return torch.flatten(self.trunk((x - self.mean) / self.std), 1)

    def logits(self, x):
        return self.fc(self.features(x))

    def forward(self, x):
        features = self.features(x)
        logits = self.fc(features)
        return features, logits, logits.argmax(1)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk, self.fc, self.aux = trunk(), nn.Linear(24, 4), nn.Linear(24, 4)

    def logits(self, x):
        return self.fc(torch.flatten(self.trunk(x), 1))

    def forward(self, x):
        flat = torch.flatten(self.trunk(x), 1)
        return self.aux(flat), self.fc(flat)


class Token(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))
        self.up, self.down, self.fc = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 4)

    def logits(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        weights = (self.query(x) @ self.key(x).transpose(1, 2) / 8**0.5).softmax(-1)
        x = x + weights @ self.value(x)
        x = x + self.down(torch.relu(self.up(x)))
        return self.fc(x[:, 0])

    forward = logits


def save(name, model, batch, opset, outputs, last=False, dynamic=False, external=False):
    torch.manual_seed(1)
    made = model()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
    made.eval()
    pixels = np.random.default_rng(2).integers(0, 256, (SAMPLES, 8, 8, 3), dtype=np.uint8)
    if not last:
        pixels = pixels.transpose(0, 3, 1, 2).copy()
    x = torch.from_numpy(pixels) if last else torch.from_numpy(pixels).float() / 255
    path = OUT / f"{name}.onnx"
    torch.onnx.export(
        made, x[:batch], str(path), opset_version=opset, input_names=["image"],
        output_names=outputs,
        dynamic_axes={key: {0: "N"} for key in ["image", *outputs]} if dynamic else None,
    )
    if external:
        onnx.save(
            onnx.load(str(path)), str(path), save_as_external_data=True,
            all_tensors_to_one_file=True, location=f"{name}.weights", size_threshold=0,
        )
    with torch.no_grad():
        logits = made.logits(x)
    (OUT / f"{name}.json").write_text(
        json.dumps({"pixels": pixels.ravel().tolist(), "logits": logits.flatten().tolist()}) + "\n"
    )


OUT.mkdir(parents=True, exist_ok=True)
save("batch-of-one", BatchOfOne, 1, 9, ["probabilities"])
save("bytes-nhwc", BytesNhwc, 2, 17, ["features", "logits", "label"], last=True, dynamic=True)
save("two-heads", TwoHeads, 2, 12, ["aux", "main"], dynamic=True, external=True)
save("token", Token, 1, 14, ["logits"])
