"""SciPy's resampling and spectrograms of a short sound, for src/data/features.test.ts.

    python3 scripts/golden/sound.py > test/golden/data/sound.json
"""

import json

import numpy
from scipy import signal

RATE = 8000
draw = numpy.random.default_rng(1)
time = numpy.arange(1000) / RATE
sound = (
    0.4 * signal.chirp(time, 200, time[-1], 2500)
    + 0.2 * numpy.sin(2 * numpy.pi * 1234.5 * time)
    + 0.01 * draw.standard_normal(time.size)
).astype(numpy.float32)


def power(window, hop):
    hann = signal.get_window("hann", window)
    _, _, magnitude = signal.spectrogram(
        sound.astype(float), RATE, hann, window, window - hop, detrend=False,
        scaling="spectrum", mode="magnitude",
    )
    return (magnitude * hann.sum()) ** 2


def mel(spectrum, count):
    """Triangles by interpolation between corners that lie evenly on the mel scale."""
    hertz = numpy.linspace(0, RATE / 2, len(spectrum))
    top = 2595 * numpy.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (numpy.linspace(0, top, count + 2) / 2595) - 1)
    bands = [
        numpy.interp(hertz, corners[i : i + 3], [0, 1, 0]) @ spectrum for i in range(count)
    ]
    return numpy.array(bands)


def decibels(found, limit):
    with numpy.errstate(divide="ignore"):
        return numpy.maximum(0, 1 + 10 * numpy.log10(found / found.max()) / limit)


def features(window, hop, bands, limit):
    found = power(window, hop)
    made = decibels(found if bands is None else mel(found, bands), limit)
    return {
        "settings": {
            "rate": RATE, "samples": sound.size, "trim": None,
            "window": window, "hop": hop, "bands": bands, "range": limit,
        },
        "dims": [1, *made.shape],
        "values": [round(float(value), 7) for value in made.ravel()],
    }


tones = sum(
    numpy.sin(2 * numpy.pi * hertz * numpy.arange(2000) / RATE + phase) / 4
    for hertz, phase in [(310, 0), (740, 1), (1130.5, 2)]
)
print(
    json.dumps(
        {
            "rate": RATE,
            "sound": sound.tolist(),
            "features": [
                features(64, 24, None, 80),
                features(128, 50, 20, 60),
                features(256, 100, 40, 80),
            ],
            "tones": [round(float(value), 7) for value in tones],
            "resampled": [
                {
                    "rate": RATE * up // down,
                    "values": [
                        round(float(value), 7)
                        for value in signal.resample_poly(tones, up, down, window=("kaiser", 12.0))
                    ],
                }
                for up, down in [(2, 1), (3, 4), (441, 320)]
            ],
        }
    )
)
