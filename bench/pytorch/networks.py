"""The benchmark networks in PyTorch, by the names that bench/networks has them by."""
from torch import nn
import torch.nn.functional as F


class Small(nn.Sequential):
    sample = (3, 32, 32)
    classes = 10

    def __init__(self):
        layers = []
        for a, b in ((3, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        super().__init__(
            *layers, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 10)
        )


class Digits(nn.Sequential):
    sample = (1, 28, 28)
    classes = 10

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10),
        )  # fmt: skip


class DeepId(nn.Module):
    sample = (3, 55, 47)
    classes = 1283

    def __init__(self, classes=classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 20, 4)
        self.conv2 = nn.Conv2d(20, 40, 3)
        self.conv3 = nn.Conv2d(40, 60, 3)
        self.conv4 = nn.Conv2d(60, 80, 2)
        self.fc3 = nn.Linear(60 * 5 * 4, 160)
        self.fc4 = nn.Linear(80 * 4 * 3, 160)
        self.out = nn.Linear(160, classes)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.max_pool2d(F.relu(conv(x)), 2, ceil_mode=True)
        y = F.relu(self.conv4(x))
        h = F.relu(self.fc3(x.flatten(1)) + self.fc4(y.flatten(1)))
        return self.out(F.dropout(h, 0.5, self.training))


class Speech(nn.Sequential):
    sample = (1, 128, 128)
    classes = 10

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 96, 11, stride=4), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
        )  # fmt: skip


def resnet18():
    from torchvision.models import resnet18 as build

    model = build(num_classes=10)
    model.sample, model.classes = (3, 32, 32), 10
    return model


def mobilenet_v2():
    from torchvision.models import mobilenet_v2 as build

    model = build(num_classes=10, width_mult=0.5)
    model.sample, model.classes = (3, 64, 64), 10
    return model


NETWORKS = {
    "small": Small,
    "digits": Digits,
    "deepid": DeepId,
    "speech": Speech,
    "resnet18": resnet18,
    "mobilenetv2": mobilenet_v2,
}

# The module whose output is the network's last convolutional site.
SITES = {
    "small": lambda model: model[7],
    "digits": lambda model: model[4],
    "resnet18": lambda model: model.layer4,
}
