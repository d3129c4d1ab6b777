"""Writes test/fixtures/math.json and math64.json: true values of elementary functions, activations and losses.

Formulas are those of the textbooks, in 60 digits, and share nothing with the implementation.

    python3 scripts/golden-math.py     # needs mpmath and numpy
"""
import json
import mpmath
import numpy as np
from mpmath import mp, mpf

mp.dps = 60
rounded = lambda x: mpf(float(np.float32(x)))
points = [rounded(s * x) for s in (1, -1) for x in (
    1e-30, 1e-12, 3e-6, 1e-3, 0.04, 0.3, 0.49, 0.56, 0.57, 0.7, 0.98, 1, 1.02, 1.5, 2, 2.5, 3, 3.5, 4.4,
    6, 8, 9.5, 12, 17.5, 31, 50, 64, 80, 87)]
positive = [x for x in points if x > 0] + [rounded(x) for x in (1e-38, 1e10, 3e38)]
apart = [x for x in points if abs(x) > 1e-4]
inside = [x for x in points if x > -1] + [rounded(-0.999), rounded(-0.5)]

sigma = lambda z: 1 / (1 + mp.exp(-z))
gaussian = lambda z: (1 + mp.erf(z / mp.sqrt(2))) / 2
tanh_gelu = lambda z: z * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (z + mpf('0.044715') * z**3))) / 2
selu_scale = mpf('1.0507009873554804934193349852946')
selu_alpha = mpf('1.6732632423543772848170429916717')
slope, alpha = rounded(0.01), mpf(1)

functions = {
    'exp': (mp.exp, points),
    'expm1': (mp.expm1, points),
    'log': (mp.log, positive),
    'log1p': (mp.log1p, inside),
    'tanh': (mp.tanh, points),
    'erf': (mp.erf, points),
    'erfc': (mp.erfc, [x for x in points if x < 9]),
    'sinTurns': (lambda t: mp.sin(2 * mp.pi * t), [x for x in points + [mpf(0.25)] if abs(x) <= 0.25]),
}
activations = {
    'relu': lambda z: max(z, 0),
    'leakyRelu': lambda z: z if z > 0 else slope * z,
    'elu': lambda z: z if z > 0 else alpha * mp.expm1(z),
    'selu': lambda z: selu_scale * (z if z > 0 else selu_alpha * mp.expm1(z)),
    'gelu': lambda z: z * gaussian(z),
    'geluTanh': tanh_gelu,
    'silu': lambda z: z * sigma(z),
    'softplus': lambda z: mp.log1p(mp.exp(z)),
    'softsign': lambda z: z / (1 + abs(z)),
    'sigmoid': sigma,
    'hardSigmoid': lambda z: min(max(z + 3, 0), 6) / 6,
    'tanh': mp.tanh,
}
smooth = ('gelu', 'geluTanh', 'silu', 'softplus', 'softsign', 'sigmoid', 'tanh', 'elu', 'selu')


def softmax(z):
    e = [mp.exp(x) for x in z]
    return [x / sum(e) for x in e]


rows = [[rounded(x) for x in row] for row in (
    [0.5, -1.25, 3, 0.1, 2.2], [10, -20, 30, 7, 29.5], [0, 0, 0, 0, 0], [-3, -60, -2.5, -1, -9])]
values = [[rounded(x) for x in row] for row in ([0, 1, 0, 0.25, 1], [3, -2, 1, 7, 20])]
mixed = [[rounded(x) for x in row] for row in ([0, 0, 1, 0, 0], [0.5, 0, 0.25, 0.125, 0.125])]


def entropy(z, t):
    p = softmax(z)
    return -sum(a * mp.log(b) for a, b in zip(t, p)), [sum(t) * b - a for a, b in zip(t, p)]


def each(value, derivative):
    return lambda y, t: (sum(value(a, b) for a, b in zip(y, t)), [derivative(a, b) for a, b in zip(y, t)])


losses = {
    'meanSquaredError': (each(lambda y, t: (y - t)**2, lambda y, t: 2 * (y - t)), values),
    'meanAbsoluteError': (each(lambda y, t: abs(y - t), lambda y, t: mp.sign(y - t)), values),
    'huber': (each(lambda y, t: (y - t)**2 / 2 if abs(y - t) <= 1 else abs(y - t) - mpf(1) / 2,
                   lambda y, t: min(max(y - t, -1), 1)), values),
    'binaryCrossentropy': (each(lambda z, t: -t * mp.log(sigma(z)) - (1 - t) * mp.log(1 - sigma(z)),
                                lambda z, t: sigma(z) - t), mixed),
    'categoricalCrossentropy': (entropy, mixed),
}
number = lambda x: float(x)
pairs = lambda f, xs: [[number(x), number(f(x))] for x in xs]
cases = lambda f, targets: [
    {'y': [*map(number, y)], 't': [*map(number, t)], 'loss': number(f(y, t)[0]), 'slope': [*map(number, f(y, t)[1])]}
    for y in rows for t in targets]
result = {
    'source': f'mpmath {mpmath.__version__}, {mp.dps} digits, scripts/golden-math.py',
    'functions': {name: pairs(f, xs) for name, (f, xs) in functions.items()},
    'activations': {name: pairs(f, points) for name, f in activations.items()},
    'slopes': {name: pairs(lambda x: mp.diff(activations[name], x), apart) for name in smooth},
    'softmax': [[[*map(number, z)], [*map(number, softmax(z))]] for z in rows],
    'losses': {name: cases(f, targets) for name, (f, targets) in losses.items()},
}
with open('test/fixtures/math.json', 'w') as file:
    json.dump(result, file, separators=(',', ':'))
    file.write('\n')

turns = [mpf(float(x)) for k in (1, 2, 3, 100, 654321) for x in (k * mp.pi / 2, k * mp.pi / 2 + 0.3, -k + 0.7)]
small = [mpf(x) for x in (1e-300, 1e-10, 0.1, 0.5, 0.7071, 0.75, 0.9999999, 1.0000001, 1.3, 1.5, 10, 1e17, 1e300)]
reals = [mpf(x) for x in (-708, -345.6, -1.5, -0.4, -0.3465, -1e-9, 1e-9, 0.1, 0.3467, 1, 20.7, 345.6, 709.5)]
powers = [(mpf(b), mpf(e)) for b in (0.001, 0.5, 0.9, 0.95, 0.999, 0.9999999, 1.1, 2, 12345.678)
          for e in (-20.5, -1, 0.1, 0.5, 1, 3, 60)] + [(mpf(0.999), mpf(1e5)), (mpf(0.9), mpf(5000))]
triples = lambda f, xs: [[number(x), 0, number(f(x))] for x in xs]
result = {
    'source': f'mpmath {mpmath.__version__}, {mp.dps} digits, scripts/golden-math.py',
    'exp64': triples(mp.exp, reals),
    'log64': triples(mp.log, small),
    'sin64': triples(mp.sin, turns),
    'cos64': triples(mp.cos, turns),
    'pow64': [[number(b), number(e), number(b**e)] for b, e in powers],
}
with open('test/fixtures/math64.json', 'w') as file:
    json.dump(result, file, separators=(',', ':'))
    file.write('\n')
