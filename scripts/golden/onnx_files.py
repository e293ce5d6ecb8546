"""Makes the small ONNX files of test/golden/onnx. Needs PyTorch 1.13 and onnx 1.12.

    python3 scripts/golden/onnx_files.py

cnn.onnx     as PyTorch exports it: raw data, opset 13
typed.onnx   the same network with typed data, packed, as onnx.helper writes it, and one Constant
loop.onnx    subgraphs that read values of the outer graph
"""

import io
import pathlib

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "onnx"


def cnn():
    torch.manual_seed(1)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(27, 4))
    net[1].running_mean.normal_()
    file = io.BytesIO()
    torch.onnx.export(
        net, torch.zeros(2, 1, 8, 8), file, input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}}, opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    return file.getvalue()


def typed(data):
    model = onnx.load_from_string(data)
    initializers = list(model.graph.initializer)
    del model.graph.initializer[:]
    for tensor in initializers:
        values = numpy_helper.to_array(tensor)
        model.graph.initializer.append(helper.make_tensor(
            tensor.name, tensor.data_type, values.shape, values.flatten().tolist()))
    gain = helper.make_tensor("value", TensorProto.FLOAT, [4], [1.0, 2.0, 0.5, -1.5])
    last = model.graph.node[-1]
    last.output[0] = "unscaled"
    model.graph.node.append(helper.make_node("Constant", [], ["gain"], value=gain))
    model.graph.node.append(helper.make_node("Mul", ["unscaled", "gain"], ["logits"]))
    onnx.checker.check_model(model)
    return model.SerializeToString()


class Repeat(torch.nn.Module):
    def forward(self, x, n: int):
        bias = x * 0.5
        for _ in range(n):
            if bool(x.sum() > 3.0):
                x = x - bias
            else:
                x = x + bias
        return x


def loop():
    file = io.BytesIO()
    torch.onnx.export(
        torch.jit.script(Repeat()), (torch.ones(2, 3), torch.tensor(3)), file,
        input_names=["x", "n"], output_names=["y"], opset_version=13)
    return file.getvalue()


out.mkdir(parents=True, exist_ok=True)
data = cnn()
for name, content in [("cnn", data), ("typed", typed(data)), ("loop", loop())]:
    (out / f"{name}.onnx").write_bytes(content)
    print(name, len(content), "bytes")
