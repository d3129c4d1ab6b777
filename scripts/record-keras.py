"""Weights in the layout of Keras, with the predictions that follow, for test/formats.

    python3 scripts/record-keras.py

writes test/fixtures/keras.json. Keras itself is not needed: its layers are computed here with numpy
from its documentation (a Dense layer is x @ kernel + bias with kernel [inputs, units]), in float64.
The weights are safetensors under the names that Keras gives them, in base64.
"""

import base64
import json
import os
import struct

import numpy as np

OUTPUT = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', 'keras.json')
draw = np.random.RandomState(3)


def safetensors(tensors):
    """Eight bytes with the length of the header, the header as JSON, then all numbers."""
    header, data = {}, b''
    for name, values in tensors.items():
        numbers = values.astype('<f4').tobytes()
        offsets = [len(data), len(data) + len(numbers)]
        header[name] = {'dtype': 'F32', 'shape': list(values.shape), 'data_offsets': offsets}
        data += numbers
    head = json.dumps(header).encode()
    return struct.pack('<Q', len(head)) + head + data


def numbers(*shape):
    """Multiples of 1/64, which are exact in float32."""
    return np.round(draw.randn(*shape) * 64) / 64


def record(weights, x, y):
    return {
        'safetensors': base64.b64encode(safetensors(weights)).decode(),
        'x': x.ravel().tolist(),
        'y': y.ravel().tolist(),
    }


kernels = [numbers(3, 5), numbers(5, 2)]
bias = numbers(5)
x = numbers(4, 3)
y = np.maximum(x @ kernels[0] + bias, 0) @ kernels[1]
weights = {'dense/kernel': kernels[0], 'dense/bias': bias, 'dense_1/kernel': kernels[1]}
plain = record(weights, x, y)


def batch_normalization(x, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    return gamma * (x - moving_mean) / np.sqrt(moving_variance + epsilon) + beta


def layer_normalization(x, gamma, beta, epsilon=1e-3):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


statistics = [numbers(4), numbers(4), numbers(4), np.abs(numbers(4)) + 0.5]
second = [numbers(2), np.abs(numbers(2)) + 0.5]
scale, shift = numbers(4), numbers(4)
kernels = [numbers(3, 4), numbers(4, 4), numbers(4, 2)]
h = np.tanh(batch_normalization(x @ kernels[0], *statistics))
h = np.maximum(layer_normalization(h @ kernels[1], scale, shift), 0) @ kernels[2]
y = batch_normalization(h, 1, 0, *second)
parts = ['gamma', 'beta', 'moving_mean', 'moving_variance']
normalized = record({
    **{f'dense_{i + 1}/kernel' if i else 'dense/kernel': w for i, w in enumerate(kernels)},
    **{f'batch_normalization/{part}': values for part, values in zip(parts, statistics)},
    'layer_normalization/gamma': scale,
    'layer_normalization/beta': shift,
    **{f'batch_normalization_1/{part}': values for part, values in zip(parts[2:], second)},
}, x, y)

with open(OUTPUT, 'w') as file:
    content = {
        'tool': f'numpy {np.__version__}, in the layout of Keras',
        **plain,
        'normalized': normalized,
    }
    json.dump(content, file)
    file.write('\n')
