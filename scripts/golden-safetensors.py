"""A file written by the safetensors package, for the reader; and, given a file, what that package reads
in it, against what is written beside it.

    pip install safetensors numpy
    python3 scripts/golden-safetensors.py > test/fixtures/safetensors.json
    python3 scripts/golden-safetensors.py model.safetensors   # prints names, types, shapes and sums
"""
import base64
import json
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

if len(sys.argv) > 1:
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    with safetensors.safe_open(sys.argv[1], framework="np") as opened:
        metadata = opened.metadata()
    tensors = load(data)
    print(
        json.dumps(
            {
                "metadata": metadata,
                "tensors": {
                    name: {
                        "dtype": str(array.dtype),
                        "shape": list(array.shape),
                        "values": array.ravel().tolist(),
                    }
                    for name, array in tensors.items()
                },
            }
        )
    )
    sys.exit()

random = np.random.default_rng(5)
arrays = {
    "encoder.weight": random.standard_normal((3, 5)).astype(np.float32),
    "encoder.bias": np.array([0.5, -0.0, 1e-42], dtype=np.float32),
    "half": np.array([1.5, -2.0, 65504.0], dtype=np.float16),
    "double": np.array([[0.1, np.pi]], dtype=np.float64),
    "counts": np.array([1, 2, 3], dtype=np.int64),
    "words": np.array([0, 2**32 - 1], dtype=np.uint32),
    "bytes": np.array([255, 0, 7], dtype=np.uint8),
    "flags": np.array([True, False]),
    "scalar": np.array(7.25, dtype=np.float32),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "naïve ✓ \"quoted\"": np.array([2.5], dtype=np.float32),
    "__proto__": np.array([1.0], dtype=np.float32),
    "constructor": np.array([2.0], dtype=np.float32),
}
file = save(arrays, metadata={"format": "np", "__proto__": "a name", "note": "Zürich\n"})
print(
    json.dumps(
        {
            "tool": f"safetensors {safetensors.__version__}, numpy {np.__version__}",
            "file": base64.b64encode(file).decode(),
            "tensors": {
                name: {
                    "shape": list(array.shape),
                    "bytes": base64.b64encode(array.tobytes()).decode(),
                }
                for name, array in arrays.items()
            },
        }
    )
)
