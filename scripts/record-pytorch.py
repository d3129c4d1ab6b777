"""Models as PyTorch exports them to ONNX, and its weights, for test/formats.

    apt-get install python3-torch python3-onnx && /usr/bin/python3 scripts/record-pytorch.py

writes test/fixtures/pytorch.json: ONNX files with the predictions of PyTorch, and the weights of the
same networks as safetensors, whose bytes are written here from the format's text; of networks on
images and sequences, weights alone and files alone. Each kind of file is in base64.
"""

import base64
import io
import json
import os
import struct
import warnings

import torch
from torch import nn

OUTPUT = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', 'pytorch.json')
warnings.simplefilter('ignore')
torch.manual_seed(7)


def text(data):
    return base64.b64encode(data).decode()


def safetensors(state):
    """Eight bytes with the length of the header, the header as JSON, then all numbers."""
    kinds = {torch.float32: 'F32', torch.int64: 'I64'}
    header, data = {}, b''
    for name, tensor in state.items():
        numbers = tensor.contiguous().numpy().tobytes()
        offsets = [len(data), len(data) + len(numbers)]
        entry = {'dtype': kinds[tensor.dtype], 'shape': list(tensor.shape), 'data_offsets': offsets}
        header[name] = entry
        data += numbers
    head = json.dumps(header).encode()
    return struct.pack('<Q', len(head)) + head + data


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(3, 4)
        self.inner = nn.Linear(4, 4)
        self.leave = nn.Linear(8, 2)

    def forward(self, x):
        h = torch.relu(self.enter(x))
        y = h + torch.tanh(self.inner(h))
        return self.leave(torch.cat([y, h], dim=1))


class View(nn.Module):
    def __init__(self):
        super().__init__()
        self.top = nn.Linear(6, 2)

    def forward(self, x):
        return self.top(x.view(-1, 6))


def randomized(model):
    """Statistics and affine parts that are not 1 and 0."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def record(name, model, shape, opset):
    model = randomized(model)
    x = torch.round(torch.randn(5, *shape) * 64) / 64
    file = io.BytesIO()
    torch.onnx.export(
        model, x, file, opset_version=opset, input_names=['rows'], output_names=['predictions'],
        dynamic_axes={'rows': {0: 'batch'}, 'predictions': {0: 'batch'}},
    )
    with torch.no_grad():
        y = model(x)
    return {
        'name': name,
        'inputShape': list(shape),
        'onnx': text(file.getvalue()),
        'safetensors': text(safetensors(model.state_dict())),
        'x': x.flatten().tolist(),
        'y': y.flatten().tolist(),
    }


ACTIVATIONS = {
    'relu': nn.ReLU(), 'leakyRelu': nn.LeakyReLU(0.2), 'elu': nn.ELU(0.7), 'selu': nn.SELU(),
    'gelu': nn.GELU(), 'geluTanh': nn.GELU('tanh'), 'silu': nn.SiLU(), 'softplus': nn.Softplus(),
    'softsign': nn.Softsign(), 'sigmoid': nn.Sigmoid(), 'hardSigmoid': nn.Hardsigmoid(),
    'tanh': nn.Tanh(), 'softmax': nn.Softmax(dim=1), 'linear': nn.Identity(),
}
MODELS = [
    *[(n, nn.Sequential(nn.Linear(3, 4), f, nn.Linear(4, 2, bias=False)), (3,), 17)
      for n, f in ACTIVATIONS.items()],
    ('dropout and flatten', nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(6, 2)), (2, 3), 13),
    ('view', View(), (2, 3), 9),
    ('batch normalisation', nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.BatchNorm1d(4, eps=1e-3), nn.Linear(4, 2)), (3,), 17),
    ('layer normalisation', nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)), (3,), 17),
    ('residual and concatenation', Residual(), (3,), 17),
]


class Convolutions(nn.Module):
    """Images [channels, height, width], as rows of [height, width, channels]."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, (2, 1), groups=4, bias=False), nn.Tanh(),
            nn.ConvTranspose2d(8, 2, 2), nn.Dropout2d(0.1),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 2))

    def forward(self, x):
        return self.head(self.features(x.movedim(-1, 1)))


class Sequence(nn.Module):
    """Steps of convolutions have channels first, those of recurrence features last."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 4, 2)
        self.lstm = nn.LSTM(4, 3, num_layers=2, batch_first=True)
        self.gru = nn.GRU(3, 2, batch_first=True, bidirectional=True)
        self.rnn = nn.RNN(4, 3, batch_first=True, bias=False)
        self.top = nn.Linear(9, 2)

    def forward(self, x):
        h = torch.relu(self.conv(x.movedim(-1, 1))).movedim(1, -1)
        h = self.rnn(self.gru(self.lstm(h)[0])[0])[0]
        return self.top(h.flatten(1))


class Steps(nn.Module):
    """Steps of a convolution made flat, for two layers side by side."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3, dilation=2, padding='same')
        self.left = nn.Linear(15, 15)
        self.right = nn.Linear(15, 2)

    def forward(self, x):
        h = torch.tanh(self.conv(x.movedim(-1, 1))).flatten(1)
        return torch.cat([torch.tanh(self.left(h)), self.right(h)], 1)


def record_weights(name, model, shape):
    model = randomized(model)
    x = torch.round(torch.randn(5, *shape) * 64) / 64
    with torch.no_grad():
        y = model(x)
    return {
        'name': name,
        'safetensors': text(safetensors(model.state_dict())),
        'x': x.flatten().tolist(),
        'y': y.flatten().tolist(),
    }


class Block(nn.Module):
    """Ways that meet again, added up and one behind the other, and a mean over positions."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, (3, 1), padding=(1, 0))
        self.wide = nn.Conv2d(4, 2, 3, dilation=2, padding=2)
        self.top = nn.Linear(6, 3)

    def forward(self, x):
        h = torch.relu(self.norm(self.first(x)))
        h = h + torch.tanh(self.second(h))
        h = torch.cat([h, self.wide(h)], 1)
        return torch.softmax(self.top(h.mean((2, 3))), 1)


class Steps1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(2, 4, 3, padding=1), nn.BatchNorm1d(4), nn.GELU(), nn.MaxPool1d(3, 2, 1), nn.Dropout(0.2),
        )
        self.top = nn.Linear(16, 16)
        self.norm = nn.BatchNorm1d(16)
        self.last = nn.Linear(16, 2)

    def forward(self, x):
        h = self.features(x)
        return self.last(torch.sigmoid(self.norm(self.top(h.view(h.size(0), -1)))))


def record_images(name, model, shape):
    """Rows have their channels first in the file, and last in what is recorded here."""
    recorded = record(name, model, shape, 17)
    x = torch.tensor(recorded['x']).reshape(-1, *shape).movedim(1, -1)
    return {**recorded, 'x': x.flatten().tolist(), 'inputShape': list(x.shape[1:])}


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 4)
        self.places = nn.Parameter(torch.randn(5, 4))
        self.inner = nn.Linear(4, 3)
        self.top = nn.Linear(15, 2)

    def forward(self, x):
        h = torch.relu(self.inner(self.words(x) + self.places))
        return self.top(h.flatten(1))


def record_words(name, model, shape):
    model = randomized(model)
    x = torch.randint(7, (5, *shape))
    file = io.BytesIO()
    torch.onnx.export(
        model, x, file, opset_version=17, input_names=['rows'], output_names=['predictions'],
        dynamic_axes={'rows': {0: 'batch'}, 'predictions': {0: 'batch'}},
    )
    with torch.no_grad():
        y = model(x)
    return {
        'name': name,
        'inputShape': list(shape),
        'onnx': text(file.getvalue()),
        'x': x.flatten().tolist(),
        'y': y.flatten().tolist(),
    }


IMAGES = [
    ('a small network', nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.Tanh(), nn.Flatten(), nn.BatchNorm1d(12), nn.Linear(12, 12),
        nn.SiLU(), nn.Linear(12, 2),
    ), (3, 5, 8)),
    ('a block', Block(), (3, 6, 5)),
    ('means of all', nn.Sequential(
        nn.BatchNorm2d(2), nn.Conv2d(2, 4, 2), nn.LeakyReLU(0.1), nn.AvgPool2d((2, 1)), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, 2),
    ), (2, 5, 4)),
    ('larger', nn.Sequential(
        nn.Conv2d(4, 8, 2, groups=4), nn.ELU(), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(8, 2, 3, 2, 1),
        nn.Flatten(), nn.Linear(7 * 11 * 2, 2),
    ), (4, 3, 4)),
    ('steps', Steps1d(), (2, 7)),
]

WEIGHTS = [
    ('convolutions', Convolutions(), (4, 6, 3)),
    ('a sequence', Sequence(), (4, 3)),
    ('flattened steps', Steps(), (5, 2)),
]

with open(OUTPUT, 'w') as file:
    models = [record(*model) for model in MODELS]
    weights = [record_weights(*model) for model in WEIGHTS]
    images = [record_images(*model) for model in IMAGES] + [record_words('words', Words(), (5,))]
    json.dump({'tool': f'PyTorch {torch.__version__}', 'models': models, 'weights': weights, 'images': images}, file)
    file.write('\n')
