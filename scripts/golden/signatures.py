"""Writes src/ops/signatures.ts: since when each standard operator exists, and its attributes.

    python3 scripts/golden/signatures.py

Debian's onnx knows the operator sets up to 17; what 18 to 24 changed is written down here. The test
beside the file asks ONNX Runtime whether it takes every attribute of every operator.
"""
import pathlib

import onnx.defs as defs

# Operators added since: name -> (opset, attributes).
ADDED = {
    "AffineGrid": (20, "align_corners"),
    "Attention": (23, "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap"
                      " softmax_precision"),
    "BitwiseAnd": (18, ""),
    "BitwiseNot": (18, ""),
    "BitwiseOr": (18, ""),
    "BitwiseXor": (18, ""),
    "CenterCropPad": (18, "axes"),
    "Col2Im": (18, "dilations pads strides"),
    "DeformConv": (19, "dilations group kernel_shape offset_group pads strides"),
    "Gelu": (20, "approximate"),
    "GroupNormalization": (18, "epsilon num_groups stash_type"),
    "ImageDecoder": (20, "pixel_format"),
    "Mish": (18, ""),
    "RMSNormalization": (23, "axis epsilon stash_type"),
    "RegexFullMatch": (20, "pattern"),
    "RotaryEmbedding": (23, "interleaved num_heads rotary_embedding_dim"),
    "StringConcat": (20, ""),
    "StringSplit": (20, "delimiter maxsplit"),
    "Swish": (24, "alpha"),
    "TensorScatter": (24, "axis mode"),
}  # fmt: skip

REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")

# Attributes as they are in opset 21, where they differ from 17.
CHANGED = {
    "AveragePool": "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides",
    "Cast": "saturate to",
    "CastLike": "saturate",
    "DFT": "inverse onesided",
    "DequantizeLinear": "axis block_size",
    "LpPool": "auto_pad ceil_mode dilations kernel_shape p pads strides",
    "QuantizeLinear": "axis block_size output_dtype saturate",
    "Resize": "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside"
              " extrapolation_value keep_aspect_ratio_policy mode nearest_mode",
    "Split": "axis num_outputs",
    **{f"Reduce{name}": "keepdims noop_with_empty_axes" for name in REDUCTIONS},
}  # fmt: skip

# Never in a release after opset 7, or training's own.
LEFT_OUT = {"Momentum", "Adagrad", "Adam", "Gradient"}


def signatures():
    history = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "" and schema.name not in LEFT_OUT:
            history.setdefault(schema.name, []).append(schema)
    table = {name: (since, words.split()) for name, (since, words) in ADDED.items()}
    for name, schemas in history.items():
        last = max(schemas, key=lambda schema: schema.since_version)
        words = CHANGED[name].split() if name in CHANGED else list(last.attributes)
        table[name] = (min(schema.since_version for schema in schemas), words)
    return dict(sorted(table.items()))


HEAD = """\
// Written by scripts/golden/signatures.py: do not edit.

/** Since which opset an operator exists, and its attributes (of opset 21, or of its first if newer). */
export interface Signature {
  readonly since: number;
  readonly attributes: readonly string[];
}

/** Every operator of the standard domain, up to opset 24; the deprecated ones among them. */
export const signatures = {
"""

lines = [
    f"  {name}: {{ since: {since}, attributes: [{', '.join(repr(word) for word in sorted(words))}] }},"
    for name, (since, words) in signatures().items()
]
path = pathlib.Path(__file__).parents[2] / "src/ops/signatures.ts"
path.write_text(HEAD + "\n".join(lines) + """
} as const satisfies Readonly<Record<string, Signature>>;

export type OperatorName = keyof typeof signatures;
""")
