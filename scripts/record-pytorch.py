"""Models as PyTorch exports them to ONNX, and its weights, for test/formats.

    apt-get install python3-torch python3-onnx && /usr/bin/python3 scripts/record-pytorch.py

writes test/fixtures/pytorch.json: ONNX files with the predictions of PyTorch, and the weights of the
same networks as safetensors, whose bytes are written here from the format's text. Each kind of file
is in base64.
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
        if isinstance(module, (nn.BatchNorm1d, nn.LayerNorm)):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
        if isinstance(module, nn.BatchNorm1d):
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

with open(OUTPUT, 'w') as file:
    models = [record(*model) for model in MODELS]
    json.dump({'tool': f'PyTorch {torch.__version__}', 'models': models}, file)
    file.write('\n')
