"""The networks of scripts/golden/families.py: what people ship, at a small width and at full size."""

import contextlib
import functools

import torch
import torchvision.models as tv
from torch import nn
from torchvision.models import convnext, efficientnet, maxvit, mobilenetv3, regnet, vgg

CLASSES = 10


@contextlib.contextmanager
def narrow(factor):
    """Layers made in here have 1/factor of the channels and groups that they ask for."""

    def less(channels):
        return channels if channels in (3, CLASSES) else -(-channels // factor)

    class Conv2d(nn.Conv2d):
        def __init__(self, i, o, *args, groups=1, **kwargs):
            super().__init__(less(i), less(o), *args, groups=less(groups), **kwargs)

    class Linear(nn.Linear):
        def __init__(self, i, o, *args, **kwargs):
            super().__init__(less(i), less(o), *args, **kwargs)

    class BatchNorm2d(nn.BatchNorm2d):
        def __init__(self, channels, *args, **kwargs):
            super().__init__(less(channels), *args, **kwargs)

    kept = {name: getattr(nn, name) for name in ("Conv2d", "Linear", "BatchNorm2d")}
    for made in (Conv2d, Linear, BatchNorm2d):
        setattr(nn, made.__name__, made)
    try:
        yield
    finally:
        for name, original in kept.items():
            setattr(nn, name, original)


def narrowed(factor, build):
    def inner():
        with narrow(factor):
            return build()

    return inner


class Double(nn.Sequential):
    """Two convolutions, each normalized and rectified: the U-Net's unit."""

    def __init__(self, i, o):
        layers = []
        for channels in (i, o):
            layers += [nn.Conv2d(channels, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
        super().__init__(*layers)


class UNet(nn.Module):
    """Ronneberger et al. 2015, scores for each pixel; upsampling learnt or bilinear."""

    def __init__(self, width, levels, bilinear):
        super().__init__()
        widths = [width * 2**level for level in range(levels + 1)]
        self.inward = Double(3, width)
        self.down = nn.ModuleList(Double(a, b) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                nn.Conv2d(b, a, 1),
            )
            if bilinear
            else nn.ConvTranspose2d(b, a, 2, stride=2)
            for a, b in zip(widths, widths[1:])
        )
        self.join = nn.ModuleList(Double(2 * a, a) for a in widths[:-1])
        self.outward = nn.Conv2d(width, CLASSES, 1)

    def forward(self, x):
        x = self.inward(x)
        kept = []
        for down in self.down:
            kept.append(x)
            x = down(nn.functional.max_pool2d(x, 2))
        for up, join in zip(reversed(self.up), reversed(self.join)):
            x = join(torch.cat([kept.pop(), up(x)], dim=1))
        return self.outward(x)


class Recurrent(nn.Module):
    """A text or speech classifier: tokens are embedded, frames are taken as they are."""

    def __init__(self, kind, inputs, width, embedded, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(inputs, width) if embedded else nn.Identity()
        self.recurrent = getattr(nn, kind)(
            width if embedded else inputs, width, layers, batch_first=True, bidirectional=True
        )
        self.head = nn.Linear(2 * width, CLASSES)

    def forward(self, x):
        y, _ = self.recurrent(self.embedding(x))
        return self.head(y[:, -1] + y.mean(dim=1))


class M5(nn.Module):
    """Dai et al. 2016: convolutions on the waveform."""

    def __init__(self, width):
        super().__init__()
        layers = []
        i = 1
        for o, kernel, stride in [(width, 80, 4), (width, 3, 1), (2 * width, 3, 1)]:
            layers += [nn.Conv1d(i, o, kernel, stride), nn.BatchNorm1d(o), nn.ReLU()]
            layers += [nn.MaxPool1d(4)]
            i = o
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(i, CLASSES)

    def forward(self, x):
        x = self.features(x)
        return self.head(nn.functional.avg_pool1d(x, int(x.shape[-1])).permute(0, 2, 1)).squeeze(1)


class Mixer(nn.Module):
    """Tolstikhin et al. 2021: layers across patches and across channels."""

    def __init__(self, width, depth, patch, patches):
        super().__init__()
        mlp = lambda size: nn.Sequential(
            nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size)
        )
        self.stem = nn.Conv2d(3, width, patch, stride=patch)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * depth + 1))
        self.tokens = nn.ModuleList(mlp(patches) for _ in range(depth))
        self.channels = nn.ModuleList(mlp(width) for _ in range(depth))
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        for index, (tokens, channels) in enumerate(zip(self.tokens, self.channels)):
            x = x + tokens(self.norms[2 * index](x).transpose(1, 2)).transpose(1, 2)
            x = x + channels(self.norms[2 * index + 1](x))
        return self.head(self.norms[-1](x).mean(dim=1))


class SmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Linear(16 * 16, 32), nn.ReLU(), nn.Linear(32, CLASSES))

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def small_vgg():
    # Ends at 7x7, as the adaptive pool before the classifier wants to be exported.
    layers = vgg.make_layers([64, "M", 128, "M", 256, 256, "M", 512], batch_norm=True)
    return vgg.VGG(layers, num_classes=CLASSES, dropout=0)


def small_mobilenet_v3():
    conf = functools.partial(mobilenetv3.InvertedResidualConfig, dilation=1, width_mult=1)
    setting = [
        conf(8, 3, 8, 8, True, "RE", 2),
        conf(8, 3, 24, 16, False, "RE", 2),
        conf(16, 5, 32, 16, True, "HS", 1),
        conf(16, 5, 48, 24, True, "HS", 2),
    ]
    return mobilenetv3.MobileNetV3(setting, 64, num_classes=CLASSES)


def small_efficientnet():
    conf = functools.partial(efficientnet.MBConvConfig, width_mult=1, depth_mult=1)
    setting = [conf(1, 3, 1, 8, 8, 1), conf(4, 3, 2, 8, 16, 2), conf(4, 5, 2, 16, 24, 2)]
    return efficientnet.EfficientNet(setting, 0, stochastic_depth_prob=0, num_classes=CLASSES)


def small_efficientnet_v2():
    setting = [
        efficientnet.FusedMBConvConfig(1, 3, 1, 8, 8, 1),
        efficientnet.FusedMBConvConfig(4, 3, 2, 8, 16, 2),
        efficientnet.MBConvConfig(4, 3, 2, 16, 24, 2),
    ]
    return efficientnet.EfficientNet(
        setting, 0, stochastic_depth_prob=0, num_classes=CLASSES, last_channel=64
    )


def small_regnet():
    params = regnet.BlockParams([1, 2, 1], [8, 16, 24], [4, 4, 8], [1, 1, 1], [2, 2, 2], 0.25)
    return regnet.RegNet(params, num_classes=CLASSES, stem_width=8)


def small_convnext():
    block = convnext.CNBlockConfig
    setting = [block(8, 16, 1), block(16, 24, 2), block(24, None, 1)]
    return convnext.ConvNeXt(setting, 0, 0.5, num_classes=CLASSES)


def small_maxvit():
    return maxvit.MaxVit(
        (32, 32), 8, 2, [8, 16], [1, 1], 4, 0, num_classes=CLASSES, mlp_ratio=2
    )


def small_swin():
    # Not version 2, which PyTorch 1.13 does not export (aten::zero_).
    return tv.SwinTransformer(
        [2, 2], 8, [2, 2], [2, 4], [4, 4], 2, stochastic_depth_prob=0, num_classes=CLASSES
    )


def googlenet():
    return tv.GoogLeNet(CLASSES, aux_logits=False, init_weights=False)


def inception():
    return tv.Inception3(CLASSES, aux_logits=False, init_weights=False)


resnet_of = lambda block, layers, **options: tv.ResNet(
    block, layers, num_classes=CLASSES, **options
)
Basic, Bottleneck = tv.resnet.BasicBlock, tv.resnet.Bottleneck

EVAL = ("folded", "frozen")
ALL = ("folded", "frozen", "training")


class Family:
    """
    build: the network. sample: dims of one input. opsets: of each form, in order. tokens: inputs
    are integers below this instead of numbers.
    """

    def __init__(
        self, build, sample, forms=ALL, opsets=(14, 17, 15), batch=4, tokens=None, many=None,
        awake=0.25,
    ):
        self.build, self.sample, self.tokens, self.awake = build, sample, tokens, awake
        # Statistics of a few numbers make a gradient that float32 cannot tell from noise.
        self.batches = {form: batch for form in EVAL} | {"training": many or batch}
        self.forms = dict(zip(forms, opsets))
        self.attempt = 0


SMALL = {
    "alexnet": Family(
        narrowed(32, lambda: tv.AlexNet(CLASSES, 0)), (3, 223, 223), EVAL, (11, 17), batch=2
    ),
    "vgg": Family(narrowed(64, small_vgg), (3, 56, 56), opsets=(9, 17, 12)),
    "resnet": Family(
        narrowed(16, lambda: resnet_of(Bottleneck, [1, 2, 1, 1])), (3, 64, 64), opsets=(11, 17, 14)
    ),
    "resnet-basic": Family(
        narrowed(16, lambda: resnet_of(Basic, [1, 1, 1, 1])), (3, 64, 64), opsets=(12, 13, 15)
    ),
    "resnext": Family(
        narrowed(
            8, lambda: resnet_of(Bottleneck, [1, 1, 1, 1], groups=32, width_per_group=4)
        ),
        (3, 64, 64),
    ),
    "squeezenet": Family(
        narrowed(8, lambda: tv.SqueezeNet("1_1", CLASSES, 0)), (3, 64, 64), EVAL
    ),
    "densenet": Family(
        lambda: tv.DenseNet(6, (2, 2, 2), 12, num_classes=CLASSES), (3, 64, 64), opsets=(13, 16, 15),
        awake=-0.4
    ),
    "googlenet": Family(narrowed(16, googlenet), (3, 64, 64), many=12),
    "inception": Family(narrowed(32, inception), (3, 107, 107), many=4),
    "mobilenet-v2": Family(
        lambda: tv.MobileNetV2(
            CLASSES, 0.25, [[1, 32, 1, 1], [4, 48, 2, 2], [4, 64, 1, 2], [4, 64, 2, 1]], dropout=0
        ),
        (3, 48, 48), opsets=(10, 17, 15),
    ),
    "mobilenet-v3": Family(small_mobilenet_v3, (3, 48, 48)),
    "mnasnet": Family(narrowed(4, lambda: tv.MNASNet(0.25, CLASSES, 0)), (3, 64, 64)),
    "shufflenet": Family(
        lambda: tv.ShuffleNetV2([2, 2, 2], [8, 16, 24, 32, 48], CLASSES), (3, 64, 64)
    ),
    "efficientnet": Family(small_efficientnet, (3, 48, 48)),
    "efficientnet-v2": Family(small_efficientnet_v2, (3, 48, 48)),
    "regnet": Family(small_regnet, (3, 48, 48)),
    "convnext": Family(small_convnext, (3, 64, 64), EVAL, batch=2),
    "vit": Family(
        lambda: tv.VisionTransformer(16, 8, 2, 2, 16, 32, num_classes=CLASSES), (3, 16, 16), EVAL
    ),
    "swin": Family(small_swin, (3, 32, 32), EVAL, batch=2),
    "maxvit": Family(small_maxvit, (3, 32, 32), batch=2),
    "mixer": Family(lambda: Mixer(12, 2, 4, 16), (3, 16, 16), EVAL),
    "unet": Family(lambda: UNet(4, 2, False), (3, 16, 16), batch=2),
    "unet-bilinear": Family(lambda: UNet(4, 2, True), (3, 16, 16), batch=2),
    "lstm": Family(lambda: Recurrent("LSTM", 20, 6, True), (7,), EVAL, tokens=20),
    "gru": Family(lambda: Recurrent("GRU", 5, 6, False), (7, 5), EVAL),
    "m5": Family(lambda: M5(6), (1, 800)),
}

TRAINED = {
    "cnn": (Family(SmallCnn, (3, 16, 16), ("folded",), batch=8), 0.05),
    "resnet": (
        Family(
            narrowed(16, lambda: resnet_of(Basic, [1, 1, 1, 1])), (3, 32, 32), ("frozen",), (17,), 8
        ),
        0.02,
    ),
    "vit": (
        Family(
            lambda: tv.VisionTransformer(16, 8, 2, 2, 16, 32, num_classes=CLASSES), (3, 16, 16),
            ("folded",), batch=8,
        ),
        0.05,
    ),
    "lstm": (
        Family(
            lambda: Recurrent("LSTM", 5, 8, False, 1), (7, 5), ("folded",), batch=8
        ),
        0.1,
    ),
}


def full(name, side=224, **options):
    build = lambda: getattr(tv, name)(weights=None, num_classes=CLASSES, **options)
    return Family(build, (3, side, side), EVAL, (14, 17), batch=2)


def drawn_again(family, attempt):
    """With other weights: the first have a unit at a kink, where PyTorch's float32 is off by 0.2."""
    family.attempt = attempt
    return family


FULL = {
    "resnet18": full("resnet18"),
    "resnet50": full("resnet50"),
    "alexnet": full("alexnet"),
    "vgg11_bn": full("vgg11_bn"),
    "squeezenet1_1": full("squeezenet1_1"),
    "densenet121": full("densenet121"),
    "googlenet": drawn_again(Family(googlenet, (3, 224, 224), EVAL, (14, 17), batch=2), 2),
    "inception_v3": Family(inception, (3, 299, 299), EVAL, (14, 17), batch=2),
    "resnext50_32x4d": full("resnext50_32x4d"),
    "mobilenet_v2": full("mobilenet_v2"),
    "mobilenet_v3_large": full("mobilenet_v3_large"),
    "mnasnet1_0": full("mnasnet1_0"),
    "shufflenet_v2_x1_0": full("shufflenet_v2_x1_0"),
    "efficientnet_b0": full("efficientnet_b0"),
    "regnet_y_400mf": full("regnet_y_400mf"),
    "convnext_tiny": full("convnext_tiny"),
    "vit_b_32": full("vit_b_32"),
    "swin_t": full("swin_t"),
    "maxvit_t": full("maxvit_t"),
    "unet": Family(lambda: UNet(32, 4, False), (3, 128, 128), EVAL, (14, 17), batch=2),
    "lstm": Family(
        lambda: Recurrent("LSTM", 20000, 128, True), (80,), EVAL, (14, 17), tokens=20000
    ),
}
