"""Whole trainings by PyTorch, and the form in which fixtures hold them: what golden-*.py share.

Every configuration trains one small network for at least 20 steps, once in float64 (the golden losses
and final weights) and once in float32. The largest difference between the two is recorded per tensor,
because PyTorch's own rounding is the measure of what another float32 implementation may differ by.

Every layer, activation, loss and optimizer is PyTorch's own, so that the numbers owe nothing to ours.
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


# Parts of configurations ------------------------------------------------------------------------


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
    weights = {}
    shape = draw_stack(spec['layers'], 'layers', tuple(spec['inputShape']), weights)
    return weights, int(np.prod(shape))


def stacks(layer):
    """The stacks inside a layer, by what their names begin with."""
    if layer['type'] == 'residual':
        return {'layers': layer['layers'], 'shortcut': layer.get('shortcut', [])}
    if layer['type'] == 'parallel':
        return {f'branches.{i}': branch for i, branch in enumerate(layer['branches'])}
    return {}


def draw_stack(layers, path, shape, weights):
    for i, layer in enumerate(layers):
        name, kind = f'{path}.{i}', layer['type']
        shapes = [draw_stack(v, f'{name}.{k}', shape, weights) for k, v in stacks(layer).items()]
        width = shape[-1]
        if kind.startswith('conv'):
            make = {
                'conv1d': torch.nn.Conv1d,
                'conv2d': torch.nn.Conv2d,
                'conv2dTranspose': torch.nn.ConvTranspose2d,
            }[kind]
            conv = make(
                width, layer['filters'], layer['kernelSize'],
                groups=layer.get('groups', 1), dtype=torch.float64,
            )
            # [filters, channels, …] → […, channels, filters], the other way about in a transpose
            turned = conv.weight.detach().movedim(0, -1).movedim(0, -2)
            weights[f'{name}.w'] = rounded(turned.contiguous(), 4)
            if layer.get('useBias', True):
                weights[f'{name}.b'] = rounded(conv.bias.detach(), 4)
        if kind == 'dense':
            linear = torch.nn.Linear(width, layer['units'], dtype=torch.float64)
            weights[f'{name}.w'] = rounded(linear.weight.detach().T, 4)
            if layer.get('useBias', True):
                weights[f'{name}.b'] = rounded(linear.bias.detach(), 4)
        if kind.endswith('Normalization'):
            draw = lambda mean: rounded(mean + 0.3 * torch.randn(width, dtype=torch.float64), 4)
            if layer.get('scale', True):
                weights[f'{name}.scale'] = draw(1)
            if layer.get('shift', True):
                weights[f'{name}.shift'] = draw(0)
        if kind == 'batchNormalization':
            weights[f'{name}.mean'] = torch.zeros(width, dtype=torch.float64)
            weights[f'{name}.variance'] = torch.ones(width, dtype=torch.float64)
        if shapes:
            joined = layer.get('merge') == 'concatenate'
            shape = (sum(s[-1] for s in shapes),) if joined else shapes[0]
        elif kind == 'dense':
            shape = (*shape[:-1], layer['units'])
        elif goes_over(kind):
            made = windows(layer, torch.zeros(1, *shape, dtype=torch.float64), weights, name)
            shape = tuple(made.shape[1:])
    return shape


def goes_over(kind):
    return kind in ('flatten', 'reshape', 'upSampling2d') or 'onv' in kind or 'ooling' in kind


def windows(layer, h, weights, name):
    """Layers that go over images or sequences, and give them other shapes; channels come last."""
    kind = layer['type']
    if kind == 'flatten':
        return h.flatten(1)
    if kind == 'reshape':
        return h.reshape(h.shape[0], *layer['shape'])
    x = h.movedim(-1, 1)
    if kind == 'upSampling2d':
        return F.interpolate(x, scale_factor=layer['size'], mode='nearest').movedim(1, -1)
    flat = h.dim() == 3
    if 'onv' in kind:
        w = weights[f'{name}.w']
        options = {k: layer[k] for k in ('padding', 'dilation', 'groups') if k in layer}
        transposed = kind == 'conv2dTranspose'
        y = (F.conv_transpose2d if transposed else F.conv1d if flat else F.conv2d)(
            x, w.movedim(-1, 0).movedim(-1, 1), weights.get(f'{name}.b'),
            stride=layer.get('strides', 1), **options,
        )
    elif kind.startswith('global'):
        return x.flatten(2).mean(2) if 'Average' in kind else x.flatten(2).amax(2)
    else:
        options = {'stride': layer.get('strides', layer['poolSize']), 'padding': layer.get('padding', 0)}
        if kind.startswith('average'):
            options['count_include_pad'] = False
            pool = F.avg_pool1d if flat else F.avg_pool2d
        else:
            pool = F.max_pool1d if flat else F.max_pool2d
        y = pool(x, layer['poolSize'], **options)
    return y.movedim(1, -1)


def still(layers, path, frozen=False):
    """Names of what no optimizer steps, each with whether it is frozen: the rest are buffers."""
    for i, layer in enumerate(layers):
        name = f'{path}.{i}'
        here = frozen or not layer.get('trainable', True)
        for stack, inner in stacks(layer).items():
            yield from still(inner, f'{name}.{stack}', here)
        keys = ('w', 'b', 'scale', 'shift') if here else ()
        yield from ((f'{name}.{key}', here) for key in (*keys, 'mean', 'variance'))


def train(c, x, t, initial, dtype, noise=None):
    """Losses, final weights and the smallest distance from a kink, in one number type.

    With a generator for noise, every value, delta and new weight is off by up to NOISE of itself.
    """
    spec = c['spec']
    loss_name, loss_options = split(spec['loss'])
    kept = dict(still(spec['layers'], 'layers'))
    weights = {k: v.to(dtype).clone().requires_grad_(k not in kept) for k, v in initial.items()}
    stepped = [w for w in weights.values() if w.requires_grad]
    optimizer_name, optimizer_options = split(spec['optimizer'])
    optimizer = OPTIMIZERS[optimizer_name](stepped, **optimizer_options)
    distances, sides = [], set()

    def note(values, kinks):
        for kink in kinks:
            distances.append((values.detach().double() - kink).abs().min().item())

    def rough(values):
        if noise is None:
            return values
        return values * (1 + NOISE * (2 * torch.rand(values.shape, generator=noise, dtype=dtype) - 1))

    def normalize(h, layer, name, w):
        options = {'eps': layer.get('epsilon', 1e-5)}
        if layer['type'] == 'layerNormalization':
            return F.layer_norm(h, h.shape[-1:], w('scale'), w('shift'), **options)
        training = not kept[f'{name}.mean']
        return F.batch_norm(
            h.movedim(-1, 1), w('mean'), w('variance'), w('scale'), w('shift'),
            training=training, momentum=layer.get('momentum', 0.1), **options,
        ).movedim(1, -1)

    def forward(h, values, layers=spec['layers'], path='layers'):
        for i, layer in enumerate(layers):
            name, kind = f'{path}.{i}', layer['type']
            w = lambda key: weights.get(f'{name}.{key}')
            parts = [forward(h, values, v, f'{name}.{k}') for k, v in stacks(layer).items()]
            if parts:
                concatenated = layer.get('merge') == 'concatenate'
                h = torch.cat(parts, 1) if concatenated else rough(sum(parts[1:], parts[0]))
            if goes_over(kind):
                h = rough(windows(layer, h, weights, name))
            if kind == 'dense':
                h = rough(F.linear(h, w('w').T, w('b')))
            if kind.endswith('Normalization'):
                h = rough(normalize(h, layer, name, w))
            values[name] = h
            if 'activation' in layer:
                last = layer is spec['layers'][-1]
                if last and loss_name in (CCE, SPARSE) and layer['activation'] == 'softmax':
                    values[name] = F.softmax(h, dim=1)
                    return h  # cross_entropy takes logits
                act, options = split(layer['activation'])
                function, kinks = ACTIVATIONS[act]
                smooth = act == 'elu' and options.get('alpha', 1.0) == 1.0
                note(h, [] if smooth else kinks)
                h = values[name] = rough(function(h, **options))
        assert path != 'layers' or loss_name not in (CCE, SPARSE)
        return h

    losses = []
    batches = -(-c['rows'] // c['batch'])
    for step in range(c['steps']):
        start = step % batches * c['batch']
        rows = slice(start, start + c['batch'])
        bx, bt = x[rows].to(dtype), t[rows] if t.dtype == torch.int64 else t[rows].to(dtype)
        optimizer.zero_grad()
        values = {}
        y = forward(bx.reshape(-1, *spec['inputShape']), values)
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
            for w in stepped:
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
        frozen = dict(still(c['spec']['layers'], 'layers')).get(name)
        if name != 'losses' and not frozen and (exact - initial[name]).abs().max() < 250 * tolerance:
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
    widths += [str(l.get('units', l.get('filters'))) for l in spec['layers'] if 'units' in l or 'filters' in l]
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


def write(fixture, command, configurations, note=''):
    output = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', fixture)
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
    with open(output, 'w', encoding='utf-8') as file:
        file.write(text)
    print(f'{len(configurations)} configurations, {len(text)} bytes')
