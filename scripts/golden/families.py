"""Makes test/golden/families: whole networks as PyTorch exports them, with PyTorch's gradients.

    python3 scripts/golden/families.py [NAME ...]          the small ones, committed
    python3 scripts/golden/families.py --full DIR NAME ... at full size, for `npm run parity`

Needs PyTorch 1.13 and torchvision 0.14. Forms: "folded" is torch.onnx.export as it is called by
default (BatchNormalization folded into Conv, constants folded), "frozen" keeps BatchNormalization
with its statistics and folds nothing, "training" is exported in training mode (batch statistics).

NAME.FORM.onnx is PyTorch's own file, but that weights are external data whose location says how
they are drawn ("draw/SEED/SCALE/SHIFT"), so that no weights are committed. NAME.FORM.json has the
loss and, for every parameter, the largest gradient and the products of the gradient with SIGNS
random sign vectors, computed by PyTorch in float64 from the same float32 weights. For an error e of
a gradient, each product is off by <s, e>, which is as large as |e| (the Euclidean norm, at least
the largest element) in the mean square: that all are off by less than a tenth of it has a chance of
less than 0.08 ** SIGNS.
"""

import hashlib
import io
import json
import math
import os
import pathlib
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torchvision.ops import StochasticDepth

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import networks
from networks import CLASSES

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "families"
SIGNS = 6
STEPS = 20
# Weights are drawn again until noise of this share of them moves no gradient by more than a share.
NOISE, TRIALS, ATTEMPTS = 2e-7, 4, 20
STILL = {"folded": 3e-4, "frozen": 3e-4, "training": 1e-3}
FIRST = 2**20  # numbers of weights start here, far from what a network computes with
warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def bits(seed, count):
    """32 random bits for each of 0 .. count - 1: Murmur's finalizer, as test/families.ts has it."""
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return h ^ (h >> np.uint32(16))


def draw(seed, count, scale=1.0, shift=0.0):
    """float32, uniform in shift - scale .. shift + scale."""
    unit = (bits(seed, count) >> np.uint32(8)).astype(np.float64) / 2**23 - 1
    return (shift + scale * unit).astype(np.float32)


def seed_of(*names):
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:4], "big")


def export(model, x, form, opset):
    training = {
        "folded": torch.onnx.TrainingMode.EVAL,
        "frozen": torch.onnx.TrainingMode.PRESERVE,
        "training": torch.onnx.TrainingMode.TRAINING,
    }[form]
    model.train(form == "training")
    buffer = io.BytesIO()
    torch.onnx.export(
        model,
        x,
        buffer,
        opset_version=opset,
        training=training,
        do_constant_folding=form == "folded",
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
    )
    return onnx.load_from_string(buffer.getvalue())


def arrays(proto):
    return {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}


def paired(proto, numbered):
    """The float arrays of the second file by their names in the first: the counts may differ."""
    first, second = ({n: a for n, a in arrays(p).items() if a.dtype.kind == "f"} for p in (proto, numbered))
    if set(first) == set(second):
        return second
    made = [[n for n in names if n.startswith("onnx::")] for names in (first, second)]
    assert [first[n].shape for n in made[0]] == [second[n].shape for n in made[1]]
    return {**second, **{n: second[m] for n, m in zip(*made)}}


def float_state(model):
    return {n: v for n, v in model.state_dict().items() if v.is_floating_point()}


def unit_statistics(model, proto):
    """Makes every BatchNorm that was folded the identity but for its bias; names what is gone."""
    there = {i for node in proto.graph.node for i in node.input}
    gone = set()
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if f"{name}.running_mean" in there:
                continue
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.running_mean)
            module.running_var.fill_(1 - module.eps)
            gone |= {f"{name}.{kind}" for kind in ("weight", "running_mean", "running_var")}
        elif isinstance(module, nn.modules.conv._ConvNd):
            if f"{name}.weight" not in there and module.bias is not None:
                nn.init.zeros_(module.bias)
                gone.add(f"{name}.bias")
    return gone


def recipe(name, dims, module, awake):
    """Scale and shift of what a weight is drawn from."""
    kind = name.rsplit(".", 1)[-1]
    norm = isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm))
    if kind == "running_var" or (kind == "weight" and norm):
        return 0.25, 1.0
    if kind == "bias" and norm:
        # Mostly awake: a unit that never is has no variance for the next layer to divide by.
        return 0.75, awake
    if kind == "running_mean" or "bias" in kind and "table" not in kind:
        return 0.1, 0.0
    if kind == "logit_scale":
        return 0.2, 2.0
    if isinstance(module, nn.Embedding):
        return 1.0, 0.0
    if kind in ("layer_scale", "pos_embedding", "class_token", "relative_position_bias_table"):
        return 0.5, 0.0
    return math.sqrt((4 if len(dims) == 4 else 3) / math.prod(dims[1:])), 0.0


def located(tensor, location):
    """Takes the data out of a file, and says where it is."""
    for field in ("raw_data", "float_data"):
        tensor.ClearField(field)
    tensor.ClearField("external_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location


def inputs_of(name, family, step=0):
    count = family.batch * math.prod(family.sample)
    dims = (family.batch, *family.sample)
    seed = seed_of(name, "x", str(step))
    if family.tokens:
        x = (bits(seed, count) % np.uint32(family.tokens)).astype(np.int64)
    else:
        x = draw(seed, count)
    return seed, torch.from_numpy(x.reshape(dims).copy())


def loss_of(y, seed):
    """Cross-entropy of every sample, or of every pixel."""
    if y.ndim == 4:
        y = y.permute(0, 2, 3, 1).reshape(-1, y.shape[1])
    labels = (bits(seed, len(y)) % np.uint32(y.shape[1])).astype(np.int64)
    return nn.functional.cross_entropy(y, torch.from_numpy(labels))


def products(gradient):
    g = gradient.reshape(-1)
    signs = bits(0, len(g))
    return [float(np.where((signs >> np.uint32(k)) & np.uint32(1), g, -g).sum()) for k in range(SIGNS)]


def digits(value, count=8):
    return float(f"{value:.{count}g}")


def exported(name, family, form):
    """The file as PyTorch exports it, the model in float64, and which weight is where in the file."""
    torch.manual_seed(1)
    family.batch = family.batches[form]
    model = family.build()
    modules = dict(model.named_modules())
    for module in model.modules():
        if isinstance(module, (nn.Dropout, StochasticDepth)):
            module.p = 0.0
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
    with torch.no_grad():
        for tensor in float_state(model).values():
            tensor.add_(torch.rand_like(tensor) * 0.01)
    _, x = inputs_of(name, family)
    proto = export(model, x, form, family.forms[form])

    # A second export, of the numbers of the weights: which weight is each number in the file?
    total = sum(tensor.numel() for tensor in float_state(model).values())
    number = torch.float32 if total < FIRST else torch.float64
    model.to(number)
    gone = unit_statistics(model, proto) if form == "folded" else set()
    named, start = [], FIRST
    for key, tensor in float_state(model).items():
        if key not in gone and not (form == "training" and "running_" in key):
            named.append((key, start, tensor))
            ids = torch.arange(start, start + tensor.numel(), dtype=number)
            tensor.copy_(ids.reshape(tensor.shape))
            start += tensor.numel()
    as_number = x if family.tokens else x.to(number)
    numbered = paired(proto, export(model, as_number, form, family.forms[form]))
    model.double()
    state = float_state(model)
    named = [(key, first, state[key]) for key, first, _ in named]
    starts = np.array([first for _, first, _ in named])

    weights, covered = [], set()
    for tensor in proto.graph.initializer:
        ids = numbered.get(tensor.name, np.empty(0)).reshape(-1)
        if len(ids) == 0:
            continue
        whole = np.rint(ids).astype(np.int64)
        if whole.min() < FIRST or whole.max() >= start or abs(whole - ids).max() > 0.3:
            continue
        owners = np.searchsorted(starts, np.unique(whole), "right") - 1
        keys = [named[owner] for owner in np.unique(owners)]
        exact = len(np.unique(whole)) == len(whole) == sum(t.numel() for _, _, t in keys)
        if not exact and len(keys) > 1:
            raise SystemExit(f"{name}.{form}: {tensor.name} mixes {[k for k, _, _ in keys]}")
        key, first, target = keys[0]
        if covered & {k for k, _, _ in keys}:
            raise SystemExit(f"{name}.{form}: {key} is in the file twice")
        covered |= {k for k, _, _ in keys}
        scale, shift = recipe(key, target.shape, modules.get(key.rpartition(".")[0]), family.awake)
        gathered = None if exact else (whole - first).tolist()
        weights.append(
            {
                "tensor": tensor,
                "keys": keys,
                "ids": whole,
                "gathered": gathered,
                "scale": scale,
                "shift": shift,
            }
        )
    absent = {k for k, _, _ in named} - covered
    if absent:
        # What the file does not have, it has computed.
        print(f"  not in the file: {sorted(absent)}")
    proto.doc_string = ""
    for node in proto.graph.node:
        node.doc_string = ""
    return proto, model, weights


def draw_weights(name, weights, attempt=0):
    """Gives the model its weights, and tells the file how they are drawn."""
    stream = f"{name}/{attempt}" if attempt else name
    for weight in weights:
        key = weight["keys"][0][0]
        seed, scale, shift = seed_of(stream, key), weight["scale"], weight["shift"]
        location = f"draw/{seed}/{scale!r}/{shift!r}"
        located(weight["tensor"], location if weight["gathered"] is None else f"{location}/{key}")
        if weight["gathered"] is None:
            values = draw(seed, len(weight["ids"]), scale, shift)
            for _, first, target in weight["keys"]:
                mine = (weight["ids"] >= first) & (weight["ids"] < first + target.numel())
                target.view(-1)[torch.from_numpy(weight["ids"][mine] - first)] = torch.from_numpy(
                    values[mine]
                ).double()
        else:
            (_, _, target) = weight["keys"][0]
            drawn = draw(seed, target.numel(), scale, shift)
            target.copy_(torch.from_numpy(drawn).double().reshape(target.shape))


def gradient_of(weight, parameters):
    """PyTorch's gradient in the layout of the file (or of PyTorch, for a gathered weight)."""
    if any(key not in parameters for key, _, _ in weight["keys"]):
        return None
    if weight["gathered"] is not None:
        return parameters[weight["keys"][0][0]].grad.double().numpy().reshape(-1)
    gradient = np.empty(len(weight["ids"]))
    for key, first, target in weight["keys"]:
        mine = (weight["ids"] >= first) & (weight["ids"] < first + target.numel())
        gradient[mine] = parameters[key].grad.numpy().reshape(-1)[weight["ids"][mine] - first]
    return gradient


def differentiated(model, x, seed):
    """Scores and loss; the gradients are on the parameters."""
    model.zero_grad()
    y = model(x)
    loss = loss_of(y, seed)
    loss.backward()
    return y, loss


def noise_of(model, x, seed, limit):
    """
    How far each gradient moves when weights move by NOISE of themselves, as a share of its largest
    element: where rounding in float32 decides on which side of a kink a unit is, there is nothing
    to compare. Ends early where one has moved by more than the limit.
    """
    parameters = dict(model.named_parameters())
    kept = {name: p.detach().clone() for name, p in parameters.items()}
    exact = {n: p.grad.numpy().copy() for n, p in parameters.items() if p.grad is not None}
    largest = {name: abs(g).max() for name, g in exact.items()}
    top = max(largest.values())
    noise = dict.fromkeys(exact, 0.0)
    for _ in range(TRIALS):
        with torch.no_grad():
            for name, p in parameters.items():
                p.copy_(kept[name] * (1 + NOISE * torch.randn_like(p)))
        differentiated(model, x, seed)
        for name, g in exact.items():
            if largest[name] > 1e-7 * top:
                moved = abs(np.array(products(parameters[name].grad.numpy() - g))).max()
                noise[name] = max(noise[name], moved / largest[name])
        if max(noise.values()) > limit:
            break
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(kept[name])
    return noise


def in_float32(model, x, seed, known):
    """How far PyTorch's own float32 is off, where it is: changes the model."""
    differentiated(model.float(), x, seed)
    parameters = dict(model.named_parameters())
    off = {}
    for weight, exact in known:
        difference = gradient_of(weight, parameters).astype(np.float64) - exact
        share = max(map(abs, products(difference))) / abs(exact).max()
        if share > 1e-3:
            off[weight["tensor"].name] = digits(share, 2)
    return off


def make(name, family, form, folder, still=True):
    proto, model, weights = exported(name, family, form)
    seed, x = inputs_of(name, family)
    x = x if family.tokens else x.double()
    noise = {"": 0.0}
    for attempt in range(family.attempt, ATTEMPTS):
        draw_weights(name, weights, attempt)
        y, loss = differentiated(model, x, seed)
        if not still:
            break
        noise = noise_of(model, x, seed, STILL[form])
        if max(noise.values()) < STILL[form]:
            y, loss = differentiated(model, x, seed)
            break
    else:
        raise SystemExit(f"{name}.{form}: no weights found whose gradients are still")
    parameters = dict(model.named_parameters())
    known = [(weight, gradient_of(weight, parameters)) for weight in weights]
    known = [(weight, gradient) for weight, gradient in known if gradient is not None]
    own = {} if still else in_float32(model, x if family.tokens else x.float(), seed, known)
    gradients = []
    for weight, gradient in known:
        entry = {
            "name": weight["tensor"].name,
            "max": digits(abs(gradient).max()),
            "products": [digits(p) for p in products(gradient)],
        }
        if weight["tensor"].name in own:
            entry["float32"] = own[weight["tensor"].name]
        if weight["gathered"] is not None:
            entry["key"] = weight["keys"][0][0]
            entry["gathered"] = weight["gathered"]
        gradients.append(entry)
    record = {
        "opset": family.forms[form],
        "x": {"seed": seed, "dims": list(x.shape), **({"below": family.tokens} if family.tokens else {})},
        "loss": digits(loss.item(), 12),
        "gradients": gradients,
    }
    write(folder, f"{name}.{form}", proto, record)
    spread = y.std().item()
    print(
        f"{name}.{form}: opset {family.forms[form]}, {len(proto.graph.node)} nodes, "
        f"{len(gradients)} parameters, loss {loss.item():.4f}, scores ±{spread:.3g}, "
        f"attempt {attempt}, noise {max(noise.values()):.1e}"
    )


def write(folder, stem, proto, record):
    (folder / f"{stem}.onnx").write_bytes(proto.SerializeToString())
    lines = ",\n".join(json.dumps(g, separators=(",", ":")) for g in record.pop("gradients", []))
    head = json.dumps(record)[:-1]
    tail = f', "gradients": [\n{lines}\n]}}\n' if lines else "}\n"
    (folder / f"{stem}.json").write_text(head + tail)


def train(name, family, rate, folder):
    """The losses of STEPS steps of plain SGD, over 4 batches."""
    form = next(iter(family.forms))
    proto, model, weights = exported(f"train-{name}", family, form)
    draw_weights(f"train-{name}", weights)
    optimizer = torch.optim.SGD(
        [parameter for parameter in model.parameters() if parameter.requires_grad], lr=rate
    )
    losses, seeds = [], []
    for step in range(STEPS):
        seed, x = inputs_of(f"train-{name}", family, step % 4)
        loss = loss_of(model(x if family.tokens else x.double()), seed)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(digits(loss.item(), 10))
        seeds.append(seed)
    dims = [family.batch, *family.sample]
    x = {"seeds": seeds, "dims": dims, **({"below": family.tokens} if family.tokens else {})}
    write(folder, f"train-{name}", proto, {"rate": rate, "x": x, "losses": losses})
    print(f"train-{name}: {losses[0]:.4f} .. {losses[-1]:.4f}")


def main(arguments):
    if arguments[:1] == ["--full"]:
        folder = pathlib.Path(arguments[1])
        for name in arguments[2:]:
            family = networks.FULL[name]
            for form in family.forms:
                # Of millions of units some are at a kink whatever the weights: scripts/parity.ts
                # finds out which gradients that moves.
                make(name, family, form, folder, still=False)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    for name, family in networks.SMALL.items():
        if not arguments or name in arguments:
            for form in family.forms:
                make(name, family, form, OUT)
    for name, (family, rate) in networks.TRAINED.items():
        if not arguments or f"train-{name}" in arguments:
            train(name, family, rate, OUT)


if __name__ == "__main__":
    main(sys.argv[1:])
