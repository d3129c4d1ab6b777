"""Golden training trajectories from PyTorch, for test/trajectories.test.ts.

    python3 scripts/golden-trajectories.py

writes test/fixtures/trajectories.json. Every configuration trains one small network for at least
20 steps, once in float64 (the golden losses and final weights) and once in float32. The largest
difference between the two is recorded per tensor, because PyTorch's own rounding is the measure of
what another float32 implementation may differ by.

Every activation, loss and optimizer is PyTorch's own, so that the numbers owe nothing to ours.
Weights start as torch.nn.Linear draws them, rounded to 4 decimals; data are rounded to 3. Both are
then float32 numbers, the same in either run.

A trajectory is only worth pinning where rounding cannot change its course. A seed is therefore
passed over when a pre-activation or residual comes too near a kink (float32 might take the other
side), when the noise of another float32 implementation, simulated on the float64 run, already uses
up a quarter of the tolerance (a gradient that cancels to nothing, which Adam blows up again), or
when the network hardly learns (a wrong step could hide).
"""

import json
import os
import zlib

os.environ['ATEN_CPU_CAPABILITY'] = 'default'  # the same float32 kernels on every machine

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

OUTPUT = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', 'trajectories.json')
KINK_MARGIN = 2e-5
ERROR_FACTOR = 8
RELATIVE_FLOOR = 2.0**-18
NOISE = 2.0**-23  # one unit in the last place of a float32
NOISY_RUNS = 4

# name -> (function, where the slope jumps)
ACTIVATIONS = {
    'relu': (lambda z: F.relu(z), [0]),
    'leakyRelu': (lambda z, slope=0.01: F.leaky_relu(z, slope), [0]),
    'elu': (lambda z, alpha=1.0: F.elu(z, alpha), [0]),
    'selu': (lambda z: F.selu(z), [0]),
    'gelu': (lambda z: F.gelu(z), []),
    'geluTanh': (lambda z: F.gelu(z, approximate='tanh'), []),
    'silu': (lambda z: F.silu(z), []),
    'softplus': (lambda z: F.softplus(z), []),
    'softsign': (lambda z: F.softsign(z), []),
    'sigmoid': (lambda z: torch.sigmoid(z), []),
    'hardSigmoid': (lambda z: F.hardsigmoid(z), [-3, 3]),
    'tanh': (lambda z: torch.tanh(z), []),
    'softmax': (lambda z: F.softmax(z, dim=1), []),
}

# name -> (loss of outputs and targets; cross-entropies of classes take logits)
LOSSES = {
    'meanSquaredError': lambda y, t, reduction='mean': F.mse_loss(y, t)
    if reduction == 'mean'
    else 0.5 * F.mse_loss(y, t, reduction='sum') / len(y),
    'meanAbsoluteError': lambda y, t: F.l1_loss(y, t),
    'huber': lambda y, t, delta=1.0: F.huber_loss(y, t, delta=delta),
    'binaryCrossentropy': lambda y, t, fromLogits=False: (
        F.binary_cross_entropy_with_logits if fromLogits else F.binary_cross_entropy
    )(y, t, reduction='sum')
    / len(y),
    'categoricalCrossentropy': lambda z, t: F.cross_entropy(z, t),
    'sparseCategoricalCrossentropy': lambda z, t: F.cross_entropy(z, t),
}

OPTIMIZERS = {
    'sgd': lambda p, learningRate, momentum=0.0: torch.optim.SGD(
        p, lr=learningRate, momentum=momentum
    ),
    'adam': lambda p, learningRate, beta1=0.9, beta2=0.999, epsilon=1e-8: torch.optim.Adam(
        p, lr=learningRate, betas=(beta1, beta2), eps=epsilon
    ),
}


def split(entry):
    """'relu' or { type: 'leakyRelu', slope: 0.2 } as a name and its options."""
    if isinstance(entry, str):
        return entry, {}
    return entry['type'], {k: v for k, v in entry.items() if k != 'type'}


class Extras:
    """What other scripts add to a training: terms of the loss, and what surrounds a step."""

    def penalty(self, spec, weights, values):
        return 0

    def before_step(self, spec, weights):
        pass

    def after_step(self, spec, weights):
        pass


EXTRAS = Extras()


# Configurations ---------------------------------------------------------------------------------


def dense(units, activation=None, bias=True):
    layer = {'type': 'dense', 'units': units}
    if activation is not None:
        layer['activation'] = activation
    if not bias:
        layer['useBias'] = False
    return layer


def activation(entry):
    return {'type': 'activation', 'activation': entry}


def sgd(rate, momentum=None):
    entry = {'type': 'sgd', 'learningRate': rate}
    return entry if momentum is None else {**entry, 'momentum': momentum}


def adam(rate, **options):
    return {'type': 'adam', 'learningRate': rate, **options}


FLATTEN = {'type': 'flatten'}
MSE, MAE, HUBER = 'meanSquaredError', 'meanAbsoluteError', 'huber'
BCE, CCE, SPARSE = 'binaryCrossentropy', 'categoricalCrossentropy', 'sparseCategoricalCrossentropy'
HALF_SUM = {'type': MSE, 'reduction': 'halfSum'}
HUBER_HALF = {'type': HUBER, 'delta': 0.5}
BCE_LOGITS = {'type': BCE, 'fromLogits': True}
LEAKY = {'type': 'leakyRelu', 'slope': 0.2}
ELU_HALF = {'type': 'elu', 'alpha': 0.5}
TUNED_ADAM = adam(0.02, beta1=0.8, beta2=0.99, epsilon=1e-3)

CONFIGURATIONS = []


def add(name, shape, layers, loss, optimizer, rows, batch, steps=24, scale=1.0, soft=False):
    """scale multiplies the inputs; soft makes the targets of a cross-entropy probabilities."""
    shape = shape if isinstance(shape, list) else [shape]
    spec = {'inputShape': shape, 'layers': layers, 'loss': loss, 'optimizer': optimizer}
    CONFIGURATIONS.append(
        dict(name=name, spec=spec, rows=rows, batch=batch, steps=steps, scale=scale, soft=soft)
    )


# One hidden layer of every activation: inputs, hidden, outputs, optimizer, rows, batch.
for act, inputs, hidden, outputs, optimizer, rows, batch in [
    ('relu', 3, 5, 2, sgd(0.1), 16, 4),
    ('leakyRelu', 2, 7, 1, sgd(0.05, 0.9), 10, 5),
    (LEAKY, 4, 8, 3, adam(0.02), 12, 4),
    ('elu', 5, 3, 2, sgd(0.1), 15, 5),
    (ELU_HALF, 3, 9, 1, sgd(0.05, 0.9), 6, 1),
    ('selu', 1, 6, 4, adam(0.02), 13, 4),
    ('gelu', 4, 5, 1, sgd(0.1), 32, 32),
    ('geluTanh', 7, 4, 2, sgd(0.05, 0.9), 8, 4),
    ('silu', 2, 17, 1, adam(0.02), 5, 1),
    ('softplus', 3, 10, 3, sgd(0.1), 12, 5),
    ('softsign', 6, 5, 5, sgd(0.05, 0.9), 16, 4),
    ('sigmoid', 2, 4, 1, adam(0.02), 4, 4),
    ('hardSigmoid', 5, 6, 2, sgd(0.1, 0.8), 11, 4),
    ('tanh', 3, 16, 1, sgd(0.1), 14, 5),
    ('softmax', 4, 7, 2, sgd(0.1, 0.9), 32, 32),
]:
    add('one hidden layer', inputs, [dense(hidden, act), dense(outputs)], MSE, optimizer, rows, batch)

# Every activation twice, so that its slope is multiplied into a delta from its own kind.
for act, inputs, first, second, optimizer, rows, batch in [
    ('relu', 8, 15, 7, adam(0.01), 21, 4),
    ('leakyRelu', 5, 9, 4, adam(0.01), 7, 5),
    (LEAKY, 3, 6, 5, sgd(0.1), 5, 1),
    ('elu', 2, 8, 8, adam(0.01), 9, 4),
    (ELU_HALF, 6, 5, 3, sgd(0.1), 20, 5),
    ('selu', 4, 11, 5, sgd(0.05), 32, 32),
    ('gelu', 3, 13, 6, adam(0.01), 10, 4),
    ('geluTanh', 2, 5, 9, adam(0.01), 11, 5),
    ('silu', 5, 7, 3, sgd(0.1, 0.5), 16, 4),
    ('softplus', 1, 4, 12, adam(0.01), 6, 1),
    ('softsign', 9, 6, 2, adam(0.01), 32, 32),
    ('sigmoid', 3, 8, 5, sgd(0.5, 0.9), 12, 4),
    ('hardSigmoid', 4, 5, 6, adam(0.02), 17, 5),
    ('tanh', 7, 6, 5, sgd(0.1, 0.9), 13, 4),
    ('softmax', 3, 5, 6, adam(0.02), 15, 5),
]:
    layers = [dense(first, act), dense(second, act), dense(2)]
    add('two hidden layers', inputs, layers, MSE, optimizer, rows, batch)

# Activations of the last layer, and both sides of the outer kinks.
add('softmax last', 5, [dense(6, 'tanh'), dense(3, 'softmax')], MSE, adam(0.02), 14, 4)
add('softmax alone', 4, [dense(5, 'softmax')], HALF_SUM, sgd(0.3), 10, 5)
add('sigmoid last', 3, [dense(5, 'relu'), dense(2, 'sigmoid')], MSE, sgd(0.5, 0.9), 12, 4)
add('tanh last', 2, [dense(4, 'gelu'), dense(3, 'tanh')], HALF_SUM, adam(0.02), 9, 4)
add('softplus last', 6, [dense(5, 'silu'), dense(1, 'softplus')], HUBER, sgd(0.1), 12, 5)
add('relu last', 4, [dense(6, 'tanh'), dense(5, 'relu')], MSE, sgd(0.1, 0.9), 16, 4)
add('hardSigmoid saturated', 4, [dense(7, 'hardSigmoid'), dense(2)], MSE, adam(0.02), 16, 4, scale=6)
add('hardSigmoid last', 3, [dense(4, 'tanh'), dense(2, 'hardSigmoid')], MAE, sgd(0.1), 8, 4)

# Every loss with each optimizer, with outputs on both sides of a whole vector.
add('half sum', 3, [dense(5, 'tanh'), dense(4)], HALF_SUM, sgd(0.05), 12, 4)
add('half sum', 5, [dense(6, 'relu'), dense(1)], HALF_SUM, sgd(0.02, 0.9), 11, 5)
add('half sum', 2, [dense(9, 'silu'), dense(7)], HALF_SUM, adam(0.01), 6, 1)
add('mean absolute error', 4, [dense(6, 'tanh'), dense(3)], MAE, sgd(0.1), 12, 5)
add('mean absolute error', 3, [dense(5, 'softplus'), dense(1)], MAE, sgd(0.02, 0.9), 8, 4)
add('mean absolute error', 6, [dense(4, 'selu'), dense(5)], MAE, adam(0.01), 32, 32)
add('huber', 3, [dense(6, 'tanh'), dense(2)], HUBER, sgd(0.2), 13, 4)
add('huber', 5, [dense(4, 'elu'), dense(1)], HUBER_HALF, sgd(0.1, 0.9), 10, 5)
add('huber', 2, [dense(8, 'gelu'), dense(6)], HUBER_HALF, adam(0.02), 16, 4)
add('binary', 4, [dense(5, 'relu'), dense(1, 'sigmoid')], BCE, sgd(0.3), 16, 4)
add('binary', 2, [dense(4, 'tanh'), dense(1, 'sigmoid')], BCE, adam(0.05), 4, 4, steps=40)
add('binary, several outputs', 6, [dense(7, 'silu'), dense(5, 'sigmoid')], BCE, sgd(0.05, 0.9), 14, 5)
add('binary, soft targets', 3, [dense(5, 'tanh'), dense(3, 'sigmoid')], BCE, adam(0.02), 9, 4, soft=True)
add('binary from logits', 5, [dense(6, 'gelu'), dense(1)], BCE_LOGITS, sgd(0.3), 15, 4)
add('binary from logits', 3, [dense(9, 'softsign'), dense(4)], BCE_LOGITS, sgd(0.05, 0.9), 5, 1)
add('binary from logits', 7, [dense(5, 'leakyRelu'), dense(2)], BCE_LOGITS, adam(0.02), 32, 32)
add('categorical', 4, [dense(8, 'relu'), dense(3, 'softmax')], CCE, sgd(0.2), 13, 5)
add('categorical', 2, [dense(5, 'tanh'), dense(4, 'softmax')], CCE, sgd(0.1, 0.9), 6, 1)
add('categorical', 6, [dense(7, 'elu'), dense(9, 'softmax')], CCE, adam(0.02), 32, 32)
add('categorical, soft targets', 3, [dense(6, 'silu'), dense(5, 'softmax')], CCE, sgd(0.2), 11, 4, soft=True)
add('sparse', 3, [dense(6, 'tanh'), dense(2, 'softmax')], SPARSE, sgd(0.3), 14, 4)
add('sparse', 5, [dense(9, 'gelu'), dense(5, 'softmax')], SPARSE, sgd(0.1, 0.9), 32, 32)
add('sparse', 8, [dense(12, 'relu'), dense(10, 'softmax')], SPARSE, adam(0.02), 23, 5)
add('sparse alone', 4, [dense(3, 'softmax')], SPARSE, sgd(0.5), 20, 4)

# Shapes: depth, width, biases, layers without weights, short last batches.
add('one weight', 1, [dense(1, bias=False)], MSE, sgd(0.1), 5, 1)
add('one weight and bias', 1, [dense(1)], MSE, adam(0.05), 7, 4)
add('linear', 9, [dense(5)], MSE, sgd(0.05, 0.9), 18, 5)
add('width 1 between', 3, [dense(1, 'tanh'), dense(5, 'tanh'), dense(1)], MSE, sgd(0.2), 12, 4)
add('width 31', 5, [dense(31, 'relu'), dense(2)], MSE, sgd(0.05), 9, 4)
add('width 32', 4, [dense(32, 'tanh'), dense(3)], MSE, adam(0.01), 8, 4)
add('width 33', 33, [dense(33, 'relu'), dense(1)], MSE, sgd(0.05, 0.9), 10, 5)
add('width 33', 2, [dense(33, 'silu'), dense(17, 'tanh'), dense(1)], HUBER, adam(0.01), 37, 32)
add('rows beyond a batch of 32', 3, [dense(5, 'tanh'), dense(2)], MSE, sgd(0.2), 37, 32)
add(
    'no biases', 4,
    [dense(6, 'relu', bias=False), dense(5, 'relu', bias=False), dense(2, bias=False)],
    MSE, sgd(0.1), 12, 5,
)
add(
    'no biases', 5,
    [dense(7, 'tanh', bias=False), dense(4, 'softmax', bias=False)],
    CCE, adam(0.02), 16, 4,
)
add(
    'some biases', 3,
    [dense(5, 'elu', bias=False), dense(6, 'gelu'), dense(1, 'sigmoid', bias=False)],
    BCE, sgd(0.1, 0.9), 11, 4,
)
add(
    'depth 4', 4,
    [dense(9, 'relu'), dense(8, 'leakyRelu'), dense(5, 'tanh'), dense(2)],
    MSE, adam(0.01, beta1=0.5, beta2=0.9), 15, 4,
)
add(
    'depth 4', 3,
    [dense(8, 'selu'), dense(8, 'selu'), dense(6, 'selu'), dense(3, 'softmax')],
    SPARSE, sgd(0.1), 12, 5,
)
add(
    'depth 5', 2,
    [dense(5, 'tanh'), dense(7, 'silu'), dense(9, 'elu'), dense(6, 'softsign'), dense(1)],
    MSE, TUNED_ADAM, 10, 4, steps=32,
)
add(
    'depth 5', 6,
    [dense(12, 'relu'), dense(10, 'gelu'), dense(8, 'relu'), dense(4, 'tanh'), dense(2, 'sigmoid')],
    BCE, sgd(0.05, 0.9), 9, 4, steps=32,
)
add(
    'activation layers', 3,
    [dense(5), activation('tanh'), dense(4), activation(LEAKY), dense(1)],
    MSE, sgd(0.1), 12, 4,
)
add(
    'activation of the inputs', 4,
    [activation('sigmoid'), dense(6), activation('gelu'), dense(2)],
    MSE, adam(0.02), 10, 5,
)
add(
    'softmax as a layer', 4,
    [dense(5, 'relu'), dense(3), activation('softmax')],
    CCE, sgd(0.2), 12, 4,
)
add('two activations in a row', 3, [dense(6, 'tanh'), activation('softplus'), dense(2)], MSE, sgd(0.1), 8, 4)
add('flatten', 5, [FLATTEN, dense(4, 'relu'), FLATTEN, dense(2)], MSE, sgd(0.1), 9, 4)
add('flatten rows of 2 by 3', [2, 3], [FLATTEN, dense(5, 'tanh'), dense(2)], MSE, adam(0.02), 12, 5)
add('tuned adam', 3, [dense(6, 'tanh'), dense(2)], MSE, TUNED_ADAM, 12, 4, steps=40)
add('heavy momentum', 4, [dense(5, 'tanh'), dense(1)], MSE, sgd(0.01, 0.99), 12, 4, steps=40)


# Data and networks ------------------------------------------------------------------------------


def rounded(tensor, decimals):
    """float64 tensor of numbers that are float32 and have a short decimal form."""
    return torch.tensor(np.round(tensor.numpy(), decimals).astype(np.float32).astype(np.float64))


def draw_data(c, outputs):
    """Inputs, and targets that a random teacher mostly decides, so that there is something to learn."""
    x = torch.randn(c['rows'], int(np.prod(c['spec']['inputShape'])), dtype=torch.float64)
    score = x @ torch.randn(x.shape[1], outputs, dtype=torch.float64) / x.shape[1] ** 0.5
    score = score + 0.3 * torch.randn(score.shape, dtype=torch.float64)
    x = rounded(c['scale'] * x, 3)
    loss, _ = split(c['spec']['loss'])
    last = c['spec']['layers'][-1].get('activation')
    if loss == BCE:
        return x, rounded(torch.sigmoid(2 * score), 2) if c['soft'] else (score > 0).double()
    if loss in (CCE, SPARSE):
        labels = score.argmax(1)
        hot = F.one_hot(labels, outputs).double()
        if loss == SPARSE:
            return x, labels
        return x, 0.75 * hot + 0.25 * hot.roll(1, 1) if c['soft'] else hot
    if last == 'softmax':
        return x, rounded(F.softmax(2 * score, 1), 3)
    if last in ('sigmoid', 'hardSigmoid'):
        return x, rounded(torch.sigmoid(2 * score), 3)
    if last in ('relu', 'softplus'):
        return x, rounded(2 * score.abs(), 3)
    return x, rounded(torch.tanh(score) if last == 'tanh' else 1.5 * torch.sin(score) + 0.5 * score, 3)


def draw_weights(spec):
    """{ 'layers.0.w': [inputs, units], … } in float64, and the width of the output."""
    width, weights = int(np.prod(spec['inputShape'])), {}
    for i, layer in enumerate(spec['layers']):
        if layer['type'] == 'dense':
            linear = torch.nn.Linear(width, layer['units'], dtype=torch.float64)
            weights[f'layers.{i}.w'] = rounded(linear.weight.detach().T, 4)
            if layer.get('useBias', True):
                weights[f'layers.{i}.b'] = rounded(linear.bias.detach(), 4)
            width = layer['units']
    return weights, width


def train(c, x, t, initial, dtype, noise=None):
    """Losses, final weights and the smallest distance from a kink, in one number type.

    With a generator for noise, every value, delta and new weight is off by up to NOISE of itself.
    """
    spec = c['spec']
    loss_name, loss_options = split(spec['loss'])
    weights = {k: v.to(dtype).clone().requires_grad_() for k, v in initial.items()}
    optimizer_name, optimizer_options = split(spec['optimizer'])
    optimizer = OPTIMIZERS[optimizer_name](list(weights.values()), **optimizer_options)
    distances, sides = [], set()

    def note(values, kinks):
        for kink in kinks:
            distances.append((values.detach().double() - kink).abs().min().item())

    def rough(values):
        if noise is None:
            return values
        return values * (1 + NOISE * (2 * torch.rand(values.shape, generator=noise, dtype=dtype) - 1))

    def forward(h, values):
        for i, layer in enumerate(spec['layers']):
            if layer['type'] == 'dense':
                w, b = weights[f'layers.{i}.w'].T, weights.get(f'layers.{i}.b')
                h = rough(F.linear(h, w, b))
            values[i] = h
            if 'activation' in layer:
                last = i == len(spec['layers']) - 1
                if last and loss_name in (CCE, SPARSE) and layer['activation'] == 'softmax':
                    values[i] = F.softmax(h, dim=1)
                    return h  # cross_entropy takes logits
                name, options = split(layer['activation'])
                function, kinks = ACTIVATIONS[name]
                smooth = name == 'elu' and options.get('alpha', 1.0) == 1.0
                note(h, [] if smooth else kinks)
                h = values[i] = rough(function(h, **options))
        assert loss_name not in (CCE, SPARSE)
        return h

    losses = []
    batches = -(-c['rows'] // c['batch'])
    for step in range(c['steps']):
        start = step % batches * c['batch']
        rows = slice(start, start + c['batch'])
        bx, bt = x[rows].to(dtype), t[rows] if t.dtype == torch.int64 else t[rows].to(dtype)
        optimizer.zero_grad()
        values = {}
        y = forward(bx, values)
        if loss_name == MAE:
            note(y - bt, [0])
        if loss_name == HUBER:
            sides.update(((y - bt).abs() > loss_options.get('delta', 1.0)).flatten().tolist())
        loss = LOSSES[loss_name](y, bt, **loss_options) + EXTRAS.penalty(spec, weights, values)
        loss.backward()
        EXTRAS.before_step(spec, weights)
        optimizer.step()
        with torch.no_grad():
            EXTRAS.after_step(spec, weights)
            for w in weights.values():
                w.copy_(rough(w))
        losses.append(loss.item())
    assert loss_name != HUBER or len(sides) == 2, f'{c["name"]}: one side of huber only'
    losses = torch.tensor(losses, dtype=torch.float64)
    final = {k: v.detach().double() for k, v in weights.items()}
    return losses, final, min(distances, default=float('inf'))


def weakness(c, initial, golden, single, noisy):
    """Why this seed would make a poor test, or None."""
    losses, final, kink = golden
    if min(kink, single[2]) < KINK_MARGIN:
        return 'near a kink'
    epoch = -(-c['rows'] // c['batch'])
    if losses[-epoch:].mean() > 0.97 * losses[:epoch].mean():
        return 'hardly learns'
    pairs = {'losses': (losses, single[0], [n[0] for n in noisy])}
    pairs.update({k: (final[k], single[1][k], [n[1][k] for n in noisy]) for k in final})
    for name, (exact, own, others) in pairs.items():
        floor = RELATIVE_FLOOR * exact.abs().max()
        tolerance = max(ERROR_FACTOR * (own - exact).abs().max(), floor)
        if max((other - exact).abs().max() for other in others) > tolerance / 4:
            return f'{name}: rounding alone uses up the tolerance'
        if tolerance > 4 * floor:
            return f'{name}: ill-conditioned'
        if name != 'losses' and (exact - initial[name]).abs().max() < 250 * tolerance:
            return f'{name}: hardly moves'
    return None


# Output -----------------------------------------------------------------------------------------


def short(tensor):
    """Shortest decimals that read back as the same float32."""
    out = []
    for v in tensor.flatten().tolist():
        text = np.format_float_positional(np.float32(v), unique=True, trim='-')
        assert float(np.float32(float(text))) == v
        out.append('0' if text == '-0' else text)
    return '[' + ','.join(out) + ']'


def exact(tensor):
    return '[' + ','.join('%.10g' % v for v in tensor.flatten().tolist()) + ']'


def record(entries):
    return '{' + ','.join(f'\n   "{k}": {v}' for k, v in entries.items()) + '\n  }'


def title(c):
    """For example: huber, 3-6-2, tanh, huber, sgd, batch 4 of 13."""
    spec = c['spec']
    widths = ['x'.join(map(str, spec['inputShape']))]
    widths += [str(l['units']) for l in spec['layers'] if l['type'] == 'dense']
    acts = []
    for layer in spec['layers']:
        name, options = split(layer.get('activation', 'none'))
        name = ' '.join([name, *map(str, options.values())])
        if name != 'none' and name not in acts:
            acts.append(name)
    loss, options = split(spec['loss'])
    loss = ' '.join([loss, *(k if v is True else str(v) for k, v in options.items())])
    optimizer, options = split(spec['optimizer'])
    optimizer += ''.join(f' {k}' for k in options if k == 'momentum')
    parts = [c['name'], '-'.join(widths), ' '.join(acts) or 'linear', loss, optimizer]
    return ', '.join(parts + [f'batch {c["batch"]} of {c["rows"]}'])


def configuration(c):
    """The JSON text of one configuration, from the first seed that makes a good test."""
    name = title(c)
    first = zlib.crc32(name.encode()) % 1000000
    for seed in range(first, first + 300):
        torch.manual_seed(seed)
        initial, outputs = draw_weights(c['spec'])
        x, t = draw_data(c, outputs)
        golden = train(c, x, t, initial, torch.float64)
        single = train(c, x, t, initial, torch.float32)
        noise = torch.Generator().manual_seed(seed)
        noisy = [train(c, x, t, initial, torch.float64, noise) for _ in range(NOISY_RUNS)]
        reason = weakness(c, initial, golden, single, noisy)
        if reason is None:
            break
    else:
        raise SystemExit(f'{name}: no seed will do ({reason})')
    losses, final, _ = golden
    print(f'{name}: seed +{seed - first}, loss {losses[0]:.4g} to {losses[-1]:.4g}')
    error = lambda a, b: '%.4g' % (a - b).abs().max().item()
    fields = {
        'name': json.dumps(name),
        'seed': seed,
        'spec': json.dumps(c['spec']),
        'batchSize': c['batch'],
        'rows': c['rows'],
        'steps': c['steps'],
        'x': short(x),
        'y': short(t.double()),
        'initial': record({k: short(v) for k, v in initial.items()}),
        'losses': exact(losses),
        'lossesError': error(single[0], losses),
        'final': record({k: exact(v) for k, v in final.items()}),
        'finalError': json.dumps({k: float(error(single[1][k], v)) for k, v in final.items()}),
    }
    return ' {' + ','.join(f'\n  "{k}": {v}' for k, v in fields.items()) + '\n }'


def write(output, command, configurations, note=''):
    titles = [title(c) for c in configurations]
    assert len(set(titles)) == len(titles), 'two configurations of one name'
    header = {
        'tool': 'PyTorch',
        'version': torch.__version__,
        'command': command,
        'note': 'Row-major. Step s takes batch s mod ceil(rows / batchSize). losses and final are '
        'from float64; lossesError and finalError are the largest absolute difference of '
        "PyTorch's float32 run from it." + note,
    }
    text = json.dumps(header, indent=1)[:-2] + ',\n "configurations": [\n'
    text += ',\n'.join(configuration(c) for c in configurations) + '\n ]\n}\n'
    json.loads(text)
    os.makedirs(os.path.dirname(output), exist_ok=True)
    with open(output, 'w', encoding='utf-8') as file:
        file.write(text)
    print(f'{len(configurations)} configurations, {len(text)} bytes')


if __name__ == '__main__':
    write(OUTPUT, 'python3 scripts/golden-trajectories.py', CONFIGURATIONS)
