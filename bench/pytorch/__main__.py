"""PyTorch's side of the benchmark: one answer to one line of JSON.

Reads {"what": "train", "threads": 1, ...} from standard input, does what the function of that name
does with the rest, and answers with what it returns and the peak memory and processor time of the process. It is kept
running, so that its runs can alternate with those of what it is compared with.
"""
import json
import resource
import sys
import time

import torch

from curve import curve
from defend import defend
from evaluate import evaluate
from train import train

TASKS = {"train": train, "evaluate": evaluate, "curve": curve, "defend": defend}

print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    torch.set_num_threads(ask.pop("threads"))
    answer = TASKS[ask.pop("what")](**ask)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = {"peakMiB": peak, "cpuMs": 1000 * time.process_time()}
    print(json.dumps({**answer, **used}), flush=True)
