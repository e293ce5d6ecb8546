"""Pillow's resizing of a small picture, for src/data/resize.test.ts.

    /usr/bin/python3 scripts/golden/resize.py > test/golden/data/resize.json
"""

import json

import numpy
from PIL import Image

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
}
SIZES = [(5, 4), (13, 9), (20, 3), (4, 20), (26, 18)]

pixels = numpy.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=numpy.uint8)
image = Image.fromarray(pixels)
print(
    json.dumps(
        {
            "width": 13,
            "height": 9,
            "pixels": pixels.ravel().tolist(),
            "gray": numpy.asarray(image.convert("L")).ravel().tolist(),
            "resized": [
                {
                    "filter": name,
                    "width": width,
                    "height": height,
                    "pixels": numpy.asarray(image.resize((width, height), kind)).ravel().tolist(),
                }
                for name, kind in FILTERS.items()
                for width, height in SIZES
            ],
        }
    )
)
