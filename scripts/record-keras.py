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


def windows(x, size):
    """[batch, height, width, rows, columns, channels], without padding."""
    rows, columns = size
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    parts = [[x[:, i:i + height, j:j + width] for j in range(columns)] for i in range(rows)]
    return np.moveaxis(np.array(parts), (0, 1), (3, 4))


def padded(x, size):
    """Zeros for padding='same': of an odd number the one more goes behind."""
    around = [((n - 1) // 2, n // 2) for n in size]
    return np.pad(x, [(0, 0), *around, (0, 0)])


def conv2d(x, kernel, bias):
    return np.einsum('bhwrcd,rcdf->bhwf', windows(padded(x, kernel.shape[:2]), kernel.shape[:2]), kernel) + bias


def depthwise_conv2d(x, kernel, bias):
    y = np.einsum('bhwrcd,rcdm->bhwdm', windows(x, kernel.shape[:2]), kernel)
    return y.reshape(*y.shape[:3], -1) + bias


def conv2d_transpose(x, kernel, bias, stride=2):
    """kernel [rows, columns, filters, channels]: each position adds its kernel to the outputs."""
    rows, columns, filters, _ = kernel.shape
    y = np.zeros((x.shape[0], (x.shape[1] - 1) * stride + rows, (x.shape[2] - 1) * stride + columns, filters))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            part = np.einsum('bd,rcfd->brcf', x[:, i, j], kernel)
            y[:, i * stride:i * stride + rows, j * stride:j * stride + columns] += part
    return y + bias


images = numbers(2, 4, 5, 3)
weights = {
    'conv2d/kernel': numbers(3, 2, 3, 4), 'conv2d/bias': numbers(4),
    'depthwise_conv2d/depthwise_kernel': numbers(2, 2, 4, 2), 'depthwise_conv2d/bias': numbers(8),
    'conv2d_transpose/kernel': numbers(2, 3, 2, 8), 'conv2d_transpose/bias': numbers(2),
    'dense/kernel': numbers(6 * 9 * 2, 2), 'dense/bias': numbers(2),
}
h = np.maximum(conv2d(images, weights['conv2d/kernel'], weights['conv2d/bias']), 0)
h = np.tanh(depthwise_conv2d(h, weights['depthwise_conv2d/depthwise_kernel'], weights['depthwise_conv2d/bias']))
h = conv2d_transpose(h, weights['conv2d_transpose/kernel'], weights['conv2d_transpose/bias'])
y = h.reshape(2, -1) @ weights['dense/kernel'] + weights['dense/bias']
convolutions = record(weights, images, y)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, recurrent, bias):
    """Gates i, f, c, o."""
    h = c = np.zeros((x.shape[0], recurrent.shape[0]))
    out = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, 1)


def gru(x, kernel, recurrent, bias):
    """Gates z, r, h, with reset_after: two biases."""
    h = np.zeros((x.shape[0], recurrent.shape[0]))
    out = []
    for t in range(x.shape[1]):
        az, ar, ah = np.split(x[:, t] @ kernel + bias[0], 3, axis=1)
        qz, qr, qh = np.split(h @ recurrent + bias[1], 3, axis=1)
        z, r = sigmoid(az + qz), sigmoid(ar + qr)
        h = z * h + (1 - z) * np.tanh(ah + r * qh)
        out.append(h)
    return np.stack(out, 1)


def simple_rnn(x, kernel, recurrent, bias):
    h = np.zeros((x.shape[0], recurrent.shape[0]))
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent + bias)
    return h


steps = numbers(3, 5, 2)
parts = ['kernel', 'recurrent_kernel', 'bias']
cells = {
    'lstm/lstm_cell': [numbers(2, 12), numbers(3, 12), numbers(12)],
    'gru/gru_cell': [numbers(3, 12), numbers(4, 12), numbers(2, 12)],
    'simple_rnn/simple_rnn_cell': [numbers(4, 2), numbers(2, 2), numbers(2)],
}
h = lstm(steps, *cells['lstm/lstm_cell'])
h = gru(h, *cells['gru/gru_cell'])
y = simple_rnn(h, *cells['simple_rnn/simple_rnn_cell'])
recurrent = record({f'{name}/{part}': w for name, ws in cells.items() for part, w in zip(parts, ws)}, steps, y)

with open(OUTPUT, 'w') as file:
    content = {
        'tool': f'numpy {np.__version__}, in the layout of Keras',
        **plain,
        'normalized': normalized,
        'convolutions': convolutions,
        'recurrent': recurrent,
    }
    json.dump(content, file)
    file.write('\n')
