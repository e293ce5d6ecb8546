"""Makes test/golden/ops: outputs and gradients of operators, and training runs, by PyTorch.

    python3 scripts/golden/ops.py

Needs PyTorch 1.13. Each case of windows.json and operators.json is one ONNX node with its inputs, the gradient `dy`
given for its output, the output and the gradients by the inputs, in float64 rounded to 9 digits.
training.json holds a small CNN: the loss and the gradient of every parameter at the first batch,
and the losses and last parameters of 20 steps of several optimizers.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "ops"
torch.manual_seed(20260101)
cases = []


def rounded(tensor, digits=9):
    return [float(f"{v:.{digits}g}") for v in tensor.detach().double().flatten().tolist()]


def array(tensor):
    return {"dims": list(tensor.shape), "data": rounded(tensor)}


def draw(*dims):
    """Multiples of 1/64 that are never 0: exact in float32, short in the file, off most kinks."""
    return (torch.randint(-128, 128, dims, dtype=torch.float64) + 0.5) / 64


def case(op, function, inputs, attributes=None, constants=None, name=None):
    """`function` takes the inputs; `constants` are inputs that follow them and have no gradient."""
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    y = function(*leaves.values())
    dy = draw(*y.shape)
    gradients = torch.autograd.grad((y * dy).sum(), list(leaves.values()))
    cases.append({
        "name": name or op, "op": op, "attributes": attributes or {},
        "inputs": {key: array(value) for key, value in inputs.items()},
        "constants": constants or [],
        "output": array(y), "dy": array(dy),
        "gradients": {key: array(g) for key, g in zip(inputs, gradients)},
    })


def number(value):
    return {"float": value}


def convolutions():
    for name, x, w, kwargs in [
        ("3x3 padded", (2, 3, 6, 5), (4, 3, 3, 3), dict(padding=1)),
        ("strided", (2, 2, 8, 7), (3, 2, 3, 3), dict(stride=2, padding=1)),
        ("dilated", (1, 2, 8, 8), (3, 2, 3, 3), dict(dilation=2)),
        ("in groups", (2, 4, 5, 5), (6, 2, 3, 3), dict(groups=2, padding=1)),
        ("depthwise", (2, 4, 6, 6), (4, 1, 3, 3), dict(groups=4, stride=2, padding=1)),
        ("1x1", (2, 3, 4, 4), (5, 3, 1, 1), dict()),
        ("one axis", (2, 3, 9), (4, 3, 4), dict(stride=2, padding=1)),
        ("three axes", (1, 2, 4, 5, 4), (3, 2, 2, 3, 2), dict(padding=1)),
    ]:
        rank = len(x) - 2
        f = [F.conv1d, F.conv2d, F.conv3d][rank - 1]
        attributes = {
            "strides": [kwargs.get("stride", 1)] * rank,
            "pads": [kwargs.get("padding", 0)] * 2 * rank,
            "dilations": [kwargs.get("dilation", 1)] * rank,
            "group": kwargs.get("groups", 1),
        }
        case("Conv", lambda x, w, b, f=f, k=kwargs: f(x, w, b, **k),
             {"x": draw(*x), "w": draw(*w), "b": draw(w[0])}, attributes, name=f"Conv, {name}")
    case("ConvTranspose", lambda x, w, b: F.conv_transpose2d(
        x, w, b, stride=2, padding=1, output_padding=1),
         {"x": draw(2, 3, 4, 4), "w": draw(3, 2, 3, 3), "b": draw(2)},
         {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]})


def pools():
    for name, x, k, s, p, ceil in [
        ("2x2/2", (2, 3, 6, 6), 2, 2, 0, False),
        ("2x2/2 ceil", (2, 3, 7, 5), 2, 2, 0, True),
        ("3x3/2", (2, 3, 9, 7), 3, 2, 0, False),
        ("3x3/2 padded", (2, 3, 8, 8), 3, 2, 1, False),
        ("3x3/1", (1, 2, 5, 5), 3, 1, 0, False),
    ]:
        attributes = {"kernel_shape": [k, k], "strides": [s, s], "pads": [p] * 4,
                      "ceil_mode": int(ceil)}
        case("MaxPool", lambda x, a=(k, s, p, 1, ceil): F.max_pool2d(x, *a), {"x": draw(*x)},
             attributes, name=f"MaxPool, {name}")
        for include in (False, True):
            case("AveragePool", lambda x, a=(k, s, p, ceil, include): F.avg_pool2d(x, *a),
                 {"x": draw(*x)}, {**attributes, "count_include_pad": int(include)},
                 name=f"AveragePool, {name}, pad {'counted' if include else 'not counted'}")
    ties = torch.tensor([[[[1., 1, 0, 0], [1, 1, 0, 0], [2, 0, 3, 3], [0, 2, 3, 1]]]]).double()
    case("MaxPool", lambda x: F.max_pool2d(x, 2, 2), {"x": ties},
         {"kernel_shape": [2, 2], "strides": [2, 2]}, name="MaxPool, ties")
    case("MaxPool", lambda x: F.max_pool2d(x, 3, 1), {"x": ties},
         {"kernel_shape": [3, 3], "strides": [1, 1]}, name="MaxPool, ties in windows that overlap")
    case("GlobalAveragePool", lambda x: x.mean((2, 3), keepdim=True), {"x": draw(2, 3, 4, 5)})
    case("GlobalMaxPool", lambda x: x.amax((2, 3), keepdim=True), {"x": draw(2, 3, 4, 5)})


def linear():
    case("Gemm", lambda a, b, c: F.linear(a, b, c),
         {"a": draw(4, 5), "b": draw(3, 5), "c": draw(3)}, {"transB": 1}, name="Gemm, a linear layer")
    case("MatMul", torch.matmul, {"a": draw(2, 1, 3, 4), "b": draw(5, 4, 2)})


def activations():
    x = draw(4, 6)
    for op, f, attributes in [
        ("Relu", F.relu, {}),
        ("LeakyRelu", lambda x: F.leaky_relu(x, 0.1), {"alpha": number(0.1)}),
        ("ThresholdedRelu", lambda x: F.threshold(x, 0.75, 0), {"alpha": number(0.75)}),
        ("Elu", lambda x: F.elu(x, 1.5), {"alpha": number(1.5)}),
        ("Selu", F.selu, {}),
        ("Celu", lambda x: F.celu(x, 0.7), {"alpha": number(0.7)}),
        ("Sigmoid", torch.sigmoid, {}),
        ("HardSigmoid", F.hardsigmoid, {"alpha": number(1 / 6)}),
        ("HardSwish", F.hardswish, {}),
        ("Mish", F.mish, {}),
        ("Softplus", F.softplus, {}),
        ("Softsign", F.softsign, {}),
        ("Tanh", torch.tanh, {}),
        ("Erf", torch.erf, {}),
        ("Gelu", F.gelu, {}),
        ("Gelu", lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"}),
        ("Softmax", lambda x: F.softmax(x, 0), {"axis": 0}),
        ("LogSoftmax", lambda x: F.log_softmax(x, 1), {"axis": 1}),
        ("Abs", torch.abs, {}), ("Exp", torch.exp, {}), ("Sin", torch.sin, {}),
        ("Cos", torch.cos, {}), ("Sinh", torch.sinh, {}), ("Cosh", torch.cosh, {}),
        ("Atan", torch.atan, {}), ("Asinh", torch.asinh, {}),
    ]:
        case(op, f, {"x": x}, attributes, name=f"{op} {json.dumps(attributes)}")
    unit = (torch.rand(4, 6, dtype=torch.float64) * 1.8 - 0.9)
    unit = (unit * 64).round() / 64
    for op, f in [("Asin", torch.asin), ("Acos", torch.acos), ("Atanh", torch.atanh),
                  ("Tan", torch.tan)]:
        case(op, f, {"x": unit})
    positive = draw(4, 6).abs() + 1
    for op, f in [("Sqrt", torch.sqrt), ("Log", torch.log), ("Reciprocal", torch.reciprocal),
                  ("Acosh", torch.acosh)]:
        case(op, f, {"x": positive})
    case("PRelu", lambda x, s: F.prelu(x, s), {"x": draw(2, 3, 4), "slope": draw(3)},
         name="PRelu with a slope for each channel")
    # ONNX broadcasts the slope from the right.
    cases[-1]["inputs"]["slope"]["dims"] = [3, 1]
    cases[-1]["gradients"]["slope"]["dims"] = [3, 1]
    case("Pow", torch.pow, {"x": positive, "y": draw(6)})
    at_zero = torch.tensor([0.0, -1.5, 2.0, 0.0]).double()
    for op, f, attributes in [("Abs", torch.abs, {}), ("Relu", F.relu, {}),
                              ("LeakyRelu", lambda x: F.leaky_relu(x, 0.1), {"alpha": number(0.1)})]:
        case(op, f, {"x": at_zero}, attributes, name=f"{op} at zero")
    case("Pow", lambda x: torch.pow(x, 2.0), {"x": at_zero},
         constants=[{"dims": [], "data": [2]}], name="Pow, zero and negative numbers squared")


def extremes():
    a = torch.tensor([[1., 2, 3], [3, 2, 1]]).double()
    b = torch.tensor([[1., 1, 4], [0, 2, 2]]).double()
    case("Max", torch.maximum, {"a": a, "b": b}, name="Max of two, with ties")
    case("Min", torch.minimum, {"a": a, "b": b}, name="Min of two, with ties")
    flat = torch.tensor([[2., 5, 5, 1], [7, 7, 7, 0]]).double()
    for op, f in [("ReduceMax", torch.amax), ("ReduceMin", torch.amin)]:
        case(op, lambda x, f=f: f(x, 1, keepdim=True), {"x": flat}, {"keepdims": 1},
             constants=[{"dims": [1], "data": [1], "type": "int64"}], name=f"{op} with ties")
    case("Clip", lambda x: x.clamp(-0.5, 1), {"x": draw(3, 5)},
         constants=[{"dims": [], "data": [-0.5]}, {"dims": [], "data": [1]}])


def reductions():
    axis = [{"dims": [1], "data": [1], "type": "int64"}]
    x = draw(3, 4, 2)
    for op, f in [
        ("ReduceProd", lambda x: x.prod(1)), ("ReduceL1", lambda x: x.abs().sum(1)),
        ("ReduceL2", lambda x: x.norm(dim=1)), ("ReduceSumSquare", lambda x: (x * x).sum(1)),
        ("ReduceLogSumExp", lambda x: x.logsumexp(1)),
        ("ReduceMean", lambda x: x.mean(1)), ("ReduceSum", lambda x: x.sum(1)),
    ]:
        case(op, f, {"x": x}, {"keepdims": 0}, constants=axis)
    zeros = torch.tensor([[2., 0, 3, 4], [0, 5, 0, 1], [1, 2, 3, 4]]).double()
    case("ReduceProd", lambda x: x.prod(1), {"x": zeros}, {"keepdims": 0}, constants=axis,
         name="ReduceProd with none, one and two zeros")
    case("CumSum", lambda x: x.cumsum(1), {"x": x},
         constants=[{"dims": [], "data": [1], "type": "int64"}])


def normalizations():
    x, s, b = draw(4, 6, 3, 3), draw(6), draw(6)
    eps = {"epsilon": number(1e-3)}
    mean, var = draw(6), draw(6).abs() + 0.5
    case("BatchNormalization",
         lambda x, s, b: F.batch_norm(x, mean, var, s, b, False, 0.1, 1e-3),
         {"x": x, "scale": s, "bias": b}, eps, constants=[array(mean), array(var)],
         name="BatchNormalization, frozen")
    case("BatchNormalization",
         lambda x, s, b: F.batch_norm(x, mean.clone(), var.clone(), s, b, True, 0.1, 1e-3),
         {"x": x, "scale": s, "bias": b}, {**eps, "training_mode": 1},
         constants=[array(mean), array(var)], name="BatchNormalization, by its batch")
    case("InstanceNormalization",
         lambda x, s, b: F.instance_norm(x, None, None, s, b, True, 0.1, 1e-3),
         {"x": x, "scale": s, "bias": b}, eps)
    case("GroupNormalization", lambda x, s, b: F.group_norm(x, 3, s, b, 1e-3),
         {"x": x, "scale": s, "bias": b}, {**eps, "num_groups": 3})
    y = draw(3, 4, 5)
    case("LayerNormalization", lambda x, s, b: F.layer_norm(x, (5,), s, b, 1e-3),
         {"x": y, "scale": draw(5), "bias": draw(5)}, {**eps, "axis": -1})
    case("LayerNormalization", lambda x, s, b: F.layer_norm(x, (4, 5), s, b, 1e-3),
         {"x": y, "scale": draw(4, 5), "bias": draw(4, 5)}, {**eps, "axis": 1},
         name="LayerNormalization over two axes")
    case("LRN", lambda x: F.local_response_norm(x, 3, 0.2, 0.75, 1.5), {"x": draw(2, 6, 3, 2)},
         {"size": 3, "alpha": number(0.2), "beta": number(0.75), "bias": number(1.5)})
    case("LpNormalization", lambda x: F.normalize(x, p=2, dim=1), {"x": draw(3, 4)},
         {"axis": 1, "p": 2})


def network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(4, 6, 3), torch.nn.ReLU(), torch.nn.AvgPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5))


NAMES = {"0": "conv1", "3": "conv2", "7": "fc1", "9": "fc2"}


def named(net, pick):
    return {f"{NAMES[key.split('.')[0]]}.{key.split('.')[1]}":
            {"dims": list(value.shape), "data": rounded(pick(value), 8)}
            for key, value in net.named_parameters()}


def training():
    torch.manual_seed(7)
    images = torch.round(torch.rand(32, 1, 8, 8) * 16) / 16
    labels = torch.randint(0, 5, (32,))
    weights = torch.tensor([1, 2, 0.5, 1, 0, 3, 1, 0.25])
    start = network()
    state = {k: v.clone() for k, v in start.state_dict().items()}

    def batch(step):
        at = (step % 4) * 8
        return images[at:at + 8], labels[at:at + 8]

    def loss_of(net, step, weighted=False):
        x, y = batch(step)
        each = F.cross_entropy(net(x), y, reduction="none")
        return (each * weights).sum() / weights.sum() if weighted else each.mean()

    weighted = loss_of(start, 0, weighted=True)
    weighted.backward()
    gradients = named(start, lambda p: p.grad)
    runs = []
    for name, settings, make in [
        ("SGD", {"kind": "sgd"}, lambda p: torch.optim.SGD(p, 0.1)),
        ("SGD with momentum and weight decay",
         {"kind": "sgd", "momentum": 0.9, "weightDecay": 0.005},
         lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.005)),
        ("Adam", {"kind": "adam"}, lambda p: torch.optim.Adam(p, 0.01)),
        ("Adam with other settings",
         {"kind": "adam", "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-4, "weightDecay": 0.01},
         lambda p: torch.optim.Adam(p, 0.02, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.01)),
    ]:
        net = network()
        net.load_state_dict(state)
        optimizer = make(net.parameters())
        losses = []
        for step in range(20):
            optimizer.zero_grad()
            loss = loss_of(net, step)
            loss.backward()
            losses.append(float(loss))
            optimizer.step()
        runs.append({"name": name, "settings": settings, "rate": optimizer.param_groups[0]["lr"],
                     "losses": losses, "last": named(net, lambda p: p)})

    rates = {}
    for name, make in [
        ("stepwise", lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [10, 15], 0.1)),
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, 0.01)),
        ("oneCycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.5, total_steps=21)),
    ]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.5)
        scheduler = make(optimizer)
        rates[name] = []
        for _ in range(20):
            rates[name].append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    net = network()
    net.load_state_dict(state)
    return {
        "parameters": named(net, lambda p: p), "images": array(images), "labels": labels.tolist(),
        "weighted": {"weights": weights.tolist(), "loss": float(weighted), "gradients": gradients},
        "runs": runs, "rates": rates,
    }


out.mkdir(parents=True, exist_ok=True)
for file, families in {
    "windows": [convolutions, pools],
    "operators": [linear, activations, extremes, reductions, normalizations],
}.items():
    cases.clear()
    for family in families:
        family()
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases)
    (out / f"{file}.json").write_text(f"[\n{lines}\n]\n")
(out / "training.json").write_text(json.dumps(training(), separators=(",", ":")) + "\n")
