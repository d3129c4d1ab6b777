"""Losses of a batch and their gradients, for test/losses.test.ts.

    python3 scripts/golden-losses.py     # needs PyTorch

writes test/fixtures/losses.json. Every number is float64. What PyTorch has comes from its own function,
named in `made`; for the rest `made` has the formula of the paper or of the documentation, whose gradient
is autograd's. Numbers are means over the rows of the batch; of losses that are a mean over outputs as
well, over all numbers.
"""

import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(20)
ROWS, OUTPUTS = 5, 4

short = lambda t: torch.round(t.double() * 1000) / 1000
logits = short(2 * torch.randn(ROWS, OUTPUTS))
values = short(1.5 * torch.randn(ROWS, OUTPUTS))
counts = torch.poisson(2 * torch.ones(ROWS, OUTPUTS)).double()
signs = torch.sign(torch.randn(ROWS, OUTPUTS)).double()
flags = (signs + 1) / 2
shares = short(F.softmax(torch.randn(ROWS, OUTPUTS), 1))
labels = torch.tensor([0, 3, 1, 3, 2])
weights = torch.tensor([1, 0.5, 0, 3, 2]).double()
classes = torch.tensor([0.25, 1, 2, 4]).double()

cases = []


def add(loss, targets, function, made, last='linear', **options):
    """options of fit beside the loss: sampleWeight, classWeight"""
    x = logits.clone().requires_grad_(True)
    value = function(x)
    value.backward()
    cases.append({
        'loss': loss,
        'last': last,
        'targets': targets.tolist(),
        **{name: given.tolist() for name, given in options.items()},
        'made': made,
        'value': value.item(),
        'gradient': x.grad.flatten().tolist(),
    })


mean = lambda per_row: per_row.sum() / ROWS
log_sigmoid = F.logsigmoid


def focal(z, t, gamma, weight):
    p = torch.sigmoid(z)
    return -(weight * t * (1 - p) ** gamma * log_sigmoid(z) + (1 - t) * p ** gamma * log_sigmoid(-z))


def class_focal(z, gamma):
    log_p = F.log_softmax(z, 1).gather(1, labels[:, None])[:, 0]
    return -((1 - log_p.exp()) ** gamma) * log_p


pick = lambda name, **options: {'type': name, **options}

add('logCosh', values, lambda z: torch.log(torch.cosh(z - values)).mean(), 'log(cosh(y − t)).mean()')
add('hinge', signs, lambda z: (1 - signs * z).clamp(min=0).mean(), 'max(1 − t·y, 0).mean()')
add('squaredHinge', signs, lambda z: ((1 - signs * z).clamp(min=0) ** 2).mean(), 'max(1 − t·y, 0)².mean()')
add(
    'poisson', counts,
    lambda z: F.poisson_nll_loss(F.softplus(z), counts, log_input=False, full=False, eps=1e-7),
    'poisson_nll_loss(softplus(z), t, log_input=False, eps=1e-7)', 'softplus',
)
add(
    'cosineSimilarity', values,
    lambda z: F.cosine_embedding_loss(z, values, torch.ones(ROWS)), 'cosine_embedding_loss(y, t, 1)',
)
add(
    'klDivergence', shares, lambda z: F.kl_div(F.log_softmax(z, 1), shares, reduction='batchmean'),
    "kl_div(log_softmax(z, 1), t, reduction='batchmean')", 'softmax',
)
add(
    pick('binaryCrossentropy', positiveWeight=2.5), flags,
    lambda z: F.binary_cross_entropy_with_logits(
        z, flags, pos_weight=torch.full((OUTPUTS,), 2.5).double(), reduction='sum') / ROWS,
    "binary_cross_entropy_with_logits(z, t, pos_weight=2.5, reduction='sum') / rows", 'sigmoid',
)
add(
    pick('binaryCrossentropy', labelSmoothing=0.1, positiveWeight=0.5), shares,
    lambda z: F.binary_cross_entropy_with_logits(
        z, shares * 0.9 + 0.05, pos_weight=torch.full((OUTPUTS,), 0.5).double(), reduction='sum') / ROWS,
    "binary_cross_entropy_with_logits(z, 0.9·t + 0.05, pos_weight=0.5, reduction='sum') / rows", 'sigmoid',
)
add(
    'binaryFocalCrossentropy', flags, lambda z: mean(focal(z, flags, 2, 1)),
    '−t·(1 − p)²·log p − (1 − t)·p²·log(1 − p), summed, / rows (Lin et al. 2017)', 'sigmoid',
)
add(
    pick('binaryFocalCrossentropy', gamma=0.7, positiveWeight=3), shares,
    lambda z: mean(focal(z, shares, 0.7, 3)),
    '−3·t·(1 − p)^0.7·log p − (1 − t)·p^0.7·log(1 − p), summed, / rows', 'sigmoid',
)
add(
    'sparseCategoricalFocalCrossentropy', labels, lambda z: mean(class_focal(z, 2)),
    '(−(1 − p)²·log p).mean() of p = softmax(z) at the class (Lin et al. 2017)', 'softmax',
)
add(
    pick('sparseCategoricalFocalCrossentropy', gamma=0.5), labels, lambda z: mean(class_focal(z, 0.5)),
    '(−(1 − p)^0.5·log p).mean() of p = softmax(z) at the class', 'softmax',
)
add(
    pick('sparseCategoricalCrossentropy', labelSmoothing=0.2), labels,
    lambda z: F.cross_entropy(z, labels, label_smoothing=0.2), 'cross_entropy(z, t, label_smoothing=0.2)', 'softmax',
)
add(
    pick('categoricalCrossentropy', labelSmoothing=0.2), shares,
    lambda z: F.cross_entropy(z, shares, label_smoothing=0.2), 'cross_entropy(z, t, label_smoothing=0.2)', 'softmax',
)

# What rows count: the sum over the batch is divided by its rows, not by what they count.
add(
    'sparseCategoricalCrossentropy', labels,
    lambda z: F.cross_entropy(z, labels, weight=classes, reduction='sum') / ROWS,
    "cross_entropy(z, t, weight=classWeight, reduction='sum') / rows", 'softmax', classWeight=classes,
)
add(
    'sparseCategoricalCrossentropy', labels,
    lambda z: mean(F.cross_entropy(z, labels, weight=classes, reduction='none') * weights),
    "(cross_entropy(z, t, weight=classWeight, reduction='none') · sampleWeight).sum() / rows", 'softmax',
    classWeight=classes, sampleWeight=weights,
)
add(
    'meanSquaredError', values, lambda z: mean(F.mse_loss(z, values, reduction='none').mean(1) * weights),
    "(mse_loss(y, t, reduction='none').mean(1) · sampleWeight).sum() / rows", sampleWeight=weights,
)
add(
    'huber', values, lambda z: mean(F.huber_loss(z, values, reduction='none').mean(1) * weights),
    "(huber_loss(y, t, reduction='none').mean(1) · sampleWeight).sum() / rows", sampleWeight=weights,
)
add(
    'binaryCrossentropy', flags,
    lambda z: mean(F.binary_cross_entropy_with_logits(z, flags, weight=weights[:, None], reduction='none')),
    "binary_cross_entropy_with_logits(z, t, weight=sampleWeight, reduction='sum') / rows", 'sigmoid',
    sampleWeight=weights,
)

result = {
    'tool': 'PyTorch', 'version': torch.__version__, 'command': 'python3 scripts/golden-losses.py',
    'note': 'z are the logits. gradient is that of value with respect to z, row-major, float64.',
    'rows': ROWS, 'outputs': OUTPUTS, 'z': logits.flatten().tolist(), 'cases': cases,
}
path = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', 'losses.json')
with open(path, 'w') as file:
    json.dump(result, file, ensure_ascii=False, separators=(',', ':'))
    file.write('\n')
