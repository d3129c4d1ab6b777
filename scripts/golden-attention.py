"""Golden trajectories of embeddings and attention, for test/attention.test.ts.

    /usr/bin/python3 scripts/golden-attention.py

writes test/fixtures/attention.json, in the form that scripts/trajectories.py tells. Every layer is a
module of PyTorch: nn.Embedding, nn.MultiheadAttention, nn.LayerNorm, nn.Linear. Weights start as those
draw them, rounded to 4 decimals; matrices are transposed to our layout. The bias of keys has no
gradient, since a softmax does not see it, and Adam would blow its rounding up: under Adam attention
has no biases here. Behind an embedding with maskZero, 0 stands for padding: attention has it as its
key_padding_mask, and the mean is over the other steps.
"""

import json
import os
import zlib

from trajectories import ERROR_FACTOR, MSE, RELATIVE_FLOOR, SPARSE, adam, dense, exact, record, rounded, sgd, short

import torch
import torch.nn.functional as F
from torch import nn

OUTPUT = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', 'attention.json')
CONFIGURATIONS = []


def add(name, shape, layers, loss, optimizer, rows=12, batch=4, steps=24):
    spec = {'inputShape': shape, 'layers': layers, 'loss': loss, 'optimizer': optimizer}
    CONFIGURATIONS.append(dict(name=name, spec=spec, rows=rows, batch=batch, steps=steps))


def embedding(vocabulary, units, **options):
    return {'type': 'embedding', 'vocabulary': vocabulary, 'units': units, **options}


def attention(heads, **options):
    return {'type': 'attention', 'heads': heads, **options}


def residual(*layers):
    return {'type': 'residual', 'layers': list(layers)}


POSITIONS = {'type': 'positionalEmbedding'}
NORM = {'type': 'layerNormalization'}
FLATTEN = {'type': 'flatten'}
MEAN = {'type': 'globalAveragePooling'}


class Positions(nn.Module):
    """nn.Embedding of the places 0, 1, 2 …, added."""

    def __init__(self, steps, units):
        super().__init__()
        self.table = nn.Embedding(steps, units)

    def forward(self, x):
        return x + self.table(torch.arange(x.shape[1]))


class MaskedEmbedding(nn.Embedding):
    """Notes which steps are padding, for the layers behind it."""

    padding = None

    def forward(self, x):
        MaskedEmbedding.padding = x == 0
        return super().forward(x)


class Mean(nn.Module):
    def forward(self, x):
        counts = ~MaskedEmbedding.padding.unsqueeze(-1)
        return (x * counts).sum(1) / counts.sum(1)


class Attention(nn.Module):
    def __init__(self, features, heads, causal=False, useBias=True):
        super().__init__()
        self.inner = nn.MultiheadAttention(features, heads, bias=useBias, batch_first=True)
        self.causal = causal

    def forward(self, x):
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if self.causal else None
        padding = MaskedEmbedding.padding
        return self.inner(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False)[0]


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def build(layers, shape, path, names):
    """A module, and for each of our weights the tensor that it is and whether it lies transposed."""
    modules = []
    for i, layer in enumerate(layers):
        name, kind = f'{path}.{i}', layer['type']
        options = {k: v for k, v in layer.items() if k != 'type'}
        if kind == 'dense':
            modules.append(nn.Linear(shape[-1], layer['units'], bias=layer.get('useBias', True)))
            own = {'w': ('weight', True), 'b': ('bias', False)}
            shape = [*shape[:-1], layer['units']]
        elif kind == 'embedding':
            kind = MaskedEmbedding if layer.get('maskZero') else nn.Embedding
            modules.append(kind(layer['vocabulary'], layer['units']))
            own = {'w': ('weight', False)}
            shape = [*shape, layer['units']]
        elif kind == 'positionalEmbedding':
            modules.append(Positions(*shape))
            own = {'w': ('table.weight', False)}
        elif kind == 'attention':
            modules.append(Attention(shape[-1], **options))
            own = {
                'w': ('inner.in_proj_weight', True),
                'b': ('inner.in_proj_bias', False),
                'wOut': ('inner.out_proj.weight', True),
                'bOut': ('inner.out_proj.bias', False),
            }
        elif kind == 'layerNormalization':
            modules.append(nn.LayerNorm(shape[-1]))
            own = {'scale': ('weight', False), 'shift': ('bias', False)}
        elif kind == 'residual':
            inner, _ = build(layer['layers'], shape, f'{name}.layers', names)
            modules.append(Residual(inner))
            own = {}
        elif kind == 'globalAveragePooling':
            modules.append(Mean())
            own = {}
            shape = shape[1:]
        else:
            modules.append(nn.Flatten())
            own = {}
            shape = [shape[0] * shape[1]]
        parameters = dict(modules[-1].named_parameters())
        for key, (theirs, turned) in own.items():
            if theirs in parameters:
                names[f'{name}.{key}'] = (parameters[theirs], turned)
        activation = layer.get('activation')
        if activation in ('gelu', 'tanh'):
            modules.append({'gelu': nn.GELU, 'tanh': nn.Tanh}[activation]())
    return nn.Sequential(*modules), shape


def draw(c):
    """Data, and a network in float64 of numbers that are float32."""
    spec = c['spec']
    names = {}
    module, output = build(spec['layers'], spec['inputShape'], 'layers', names)
    module = module.double()
    with torch.no_grad():
        for parameter, _ in names.values():
            noise = 0.1 * torch.randn(parameter.shape, dtype=torch.float64)
            parameter.copy_(rounded(parameter + noise, 4))
    vocabulary = [l['vocabulary'] for l in spec['layers'] if l['type'] == 'embedding']
    shape = [c['rows'], *spec['inputShape']]
    x = torch.randint(vocabulary[0], shape) if vocabulary else rounded(torch.randn(shape).double(), 3)
    MaskedEmbedding.padding = None
    if spec['layers'][0].get('maskZero'):
        # Behind the sequence, where no step sees padding alone.
        lengths = torch.randint(1, shape[1] + 1, [shape[0], 1])
        x = torch.randint(1, vocabulary[0], shape) * (torch.arange(shape[1]) < lengths)
    if spec['loss'] == SPARSE:
        t = torch.randint(output[-1], [c['rows'], *output[:-1]])
    else:
        t = rounded(torch.randn([c['rows'], *output]).double(), 3)
    return module, names, x, t


def weights_of(names):
    return {
        k: (p.detach().T if turned else p.detach()).double().clone() for k, (p, turned) in names.items()
    }


def train(c, module, x, t, dtype):
    spec = c['spec']
    module = module.to(dtype)
    rate = spec['optimizer']['learningRate']
    kind = torch.optim.SGD if spec['optimizer']['type'] == 'sgd' else torch.optim.Adam
    extra = {'momentum': spec['optimizer']['momentum']} if 'momentum' in spec['optimizer'] else {}
    optimizer = kind(module.parameters(), lr=rate, **extra)
    losses = []
    for step in range(c['steps']):
        start = step % -(-c['rows'] // c['batch']) * c['batch']
        bx, bt = x[start : start + c['batch']], t[start : start + c['batch']]
        y = module(bx if bx.dtype == torch.int64 else bx.to(dtype))
        if spec['loss'] == SPARSE:
            loss = F.cross_entropy(y.flatten(0, -2), bt.flatten())
        else:
            loss = F.mse_loss(y, bt.to(dtype))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def weakness(losses, own, initial, final, single):
    """Why this seed would make a poor test, or None."""
    if not losses[-3:].mean() <= 0.9 * losses[:3].mean():
        return 'hardly learns'
    for name, (a, b) in {'losses': (losses, own), **{k: (final[k], single[k]) for k in final}}.items():
        floor = RELATIVE_FLOOR * a.abs().max()
        tolerance = max(ERROR_FACTOR * (a - b).abs().max(), floor)
        if tolerance > 4 * floor:
            return f'{name}: ill-conditioned'
        if name != 'losses' and (a - initial[name]).abs().max() < 250 * tolerance:
            return f'{name}: hardly moves'
    return None


def configuration(c):
    name = c['name']
    first = zlib.crc32(name.encode()) % 1000000
    for seed in range(first, first + 100):
        torch.manual_seed(seed)
        module, names, x, t = draw(c)
        initial = weights_of(names)
        losses = train(c, module, x, t, torch.float64)
        final = weights_of(names)
        torch.manual_seed(seed)
        module, names, x, t = draw(c)
        own = train(c, module, x, t, torch.float32)
        single = weights_of(names)
        reason = weakness(losses, own, initial, final, single)
        if reason is None:
            break
    else:
        raise SystemExit(f'{name}: no seed will do ({reason})')
    print(f'{name}: seed +{seed - first}, loss {losses[0]:.4g} to {losses[-1]:.4g}')
    error = lambda a, b: '%.4g' % (a - b).abs().max().item()
    fields = {
        'name': json.dumps(name),
        'seed': seed,
        'spec': json.dumps(c['spec']),
        'batchSize': c['batch'],
        'rows': c['rows'],
        'steps': c['steps'],
        'x': short(x.double()),
        'y': short(t.double()),
        'initial': record({k: short(v) for k, v in initial.items()}),
        'losses': exact(losses),
        'lossesError': error(own, losses),
        'final': record({k: exact(v) for k, v in final.items()}),
        'finalError': json.dumps({k: float(error(single[k], v)) for k, v in final.items()}),
    }
    return ' {' + ','.join(f'\n  "{k}": {v}' for k, v in fields.items()) + '\n }'


SOFTMAX = 'softmax'
add('embedding', [5], [embedding(9, 3), FLATTEN, dense(2)], MSE, sgd(0.05))
add('embedding under momentum', [4], [embedding(12, 4), dense(3, SOFTMAX)], SPARSE, sgd(0.5, 0.9))
add('embedding under Adam', [6], [embedding(7, 5), dense(4, 'tanh'), dense(3, SOFTMAX)], SPARSE, adam(0.02), batch=5)
add('attention', [4, 6], [attention(1), dense(2)], MSE, sgd(0.2))
add('attention of several heads', [5, 6], [dense(6, 'tanh'), attention(3), dense(3, SOFTMAX)], SPARSE, sgd(0.5, 0.9), batch=5)
add('causal attention', [7, 4], [attention(2, causal=True), dense(2)], MSE, sgd(0.1))
add('attention without biases', [6, 8], [attention(4, useBias=False), dense(3, SOFTMAX)], SPARSE, adam(0.01))
add('causal attention without biases', [9, 6], [residual(attention(2, useBias=False, causal=True)), dense(3, SOFTMAX)], SPARSE, adam(0.01), batch=3)
add('positions', [5], [embedding(8, 4), POSITIONS, dense(3, SOFTMAX)], SPARSE, sgd(0.5, 0.9), batch=5)
add('a transformer of two blocks', [8], [
    embedding(10, 8), POSITIONS,
    residual(NORM, attention(2, causal=True)), residual(NORM, dense(12, 'gelu'), dense(8)),
    residual(NORM, attention(4)), residual(NORM, dense(12, 'gelu'), dense(8)),
    NORM, dense(5, SOFTMAX),
], SPARSE, sgd(0.2), rows=16, batch=8)

add('attention over padding', [6], [
    embedding(9, 4, maskZero=True), POSITIONS, residual(attention(2)), MEAN, dense(3, SOFTMAX),
], SPARSE, sgd(0.1, 0.9))
add('causal attention over padding', [7], [
    embedding(8, 6, maskZero=True), POSITIONS,
    residual(NORM, attention(3, causal=True)), residual(NORM, dense(8, 'gelu'), dense(6)), MEAN, dense(2),
], MSE, sgd(0.1))

if __name__ == '__main__':
    header = {
        'tool': 'PyTorch',
        'version': torch.__version__,
        'command': '/usr/bin/python3 scripts/golden-attention.py',
        'note': 'As trajectories.json; of indices and labels, x and y hold one a step.',
    }
    text = json.dumps(header, indent=1)[:-2] + ',\n "configurations": [\n'
    text += ',\n'.join(configuration(c) for c in CONFIGURATIONS) + '\n ]\n}\n'
    json.loads(text)
    with open(OUTPUT, 'w', encoding='utf-8') as file:
        file.write(text)
    print(f'{len(CONFIGURATIONS)} configurations, {len(text)} bytes')
