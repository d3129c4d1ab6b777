"""The command loop of a Python peer; native/network.c describes the protocol."""

import json
import resource
import sys
import time

import numpy as np


def load(folder):
    """The workload with x, y, labels and layers [(w, b)] as float32 arrays (labels int64)."""
    with open(f"{folder}/workload.json") as file:
        task = json.load(file)
    sizes = task["sizes"]
    read = lambda name, kind=np.float32: np.fromfile(f"{folder}/{name}", dtype=kind)
    task["x"] = read("x.f32").reshape(task["rows"], sizes[0])
    task["y"] = read("y.f32").reshape(task["rows"], sizes[-1])
    if task["output"] == "softmax":
        task["labels"] = read("labels.i32", np.int32).astype(np.int64)
    task["layers"] = [
        (read(f"w{i}.f32").reshape(shape), read(f"b{i}.f32")) for i, shape in enumerate(task["shapes"])
    ]
    return task


def serve(step, predict, outputs, weights):
    """step(n), predict(n); outputs(rows) → [rows, outputs]; weights() → [(w, b)]."""
    for line in sys.stdin:
        command, *arguments = line.split()
        cpu, wall = time.process_time(), time.perf_counter()
        if command == "step":
            step(int(arguments[0]))
        elif command == "predict":
            predict(int(arguments[0]))
        elif command == "outputs":
            np.asarray(outputs(int(arguments[0])), dtype=np.float32).tofile(arguments[1])
        elif command == "weights":
            flat = [np.asarray(part, dtype=np.float32).ravel() for pair in weights() for part in pair]
            np.concatenate(flat).tofile(arguments[0])
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory}), flush=True)
