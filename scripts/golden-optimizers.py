"""Golden training trajectories of every optimizer, for test/optimizers.test.ts.

    python3 scripts/golden-optimizers.py

writes test/fixtures/optimizers.json, in the way and in the form of scripts/trajectories.py.
The optimizers are PyTorch's own, with two exceptions, whose gradients still are:

- Lion, which this PyTorch does not have, is written here from Algorithm 2 of Chen et al. 2023.
- Decoupled weight decay of optimizers other than AdamW is w ← w − η·λ·w before PyTorch's own step
  without decay (Loshchilov and Hutter 2019).

NAdam runs as `foreach=True`: in this version the other form multiplies μₜ into the product of the
second term once too often, against PyTorch's documentation and its later versions.
"""

import torch

import trajectories


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, Algorithm 2."""

    def __init__(self, params, lr, betas, weight_decay=0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group['betas']
            for w in group['params']:
                m = self.state[w].setdefault('m', torch.zeros_like(w))
                update = torch.sign(b1 * m + (1 - b1) * w.grad)
                m.copy_(b2 * m + (1 - b2) * w.grad)
                w.copy_(w - group['lr'] * (update + group['weight_decay'] * w))


class Decoupled:
    """An optimizer behind w ← w − η·λ·w."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.decays = [group['weight_decay'] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group['weight_decay'] = 0

    def zero_grad(self):
        self.optimizer.zero_grad()

    @torch.no_grad()
    def step(self):
        for group, decay in zip(self.optimizer.param_groups, self.decays):
            for w in group['params']:
                w.copy_(w - group['lr'] * decay * w)
        with torch.enable_grad():
            self.optimizer.step()


def groups(parameters, decay, biases):
    """Parameters in the two groups that decay and do not."""
    weights = [w for w in parameters if w.dim() > 1]
    others = [w for w in parameters if w.dim() == 1]
    return [
        {'params': weights, 'weight_decay': decay},
        {'params': others, 'weight_decay': decay if biases else 0},
    ]


NAMES = {
    'learningRate': 'lr',
    'epsilon': 'eps',
    'decay': 'alpha',
    'initialAccumulatorValue': 'initial_accumulator_value',
    'momentumDecay': 'momentum_decay',
}
DEFAULT_BETAS = {'lion': (0.9, 0.99)}
CLASSES = {
    'sgd': torch.optim.SGD,
    'adam': torch.optim.Adam,
    'adamW': torch.optim.AdamW,
    'nadam': torch.optim.NAdam,
    'rmsprop': torch.optim.RMSprop,
    'adagrad': torch.optim.Adagrad,
    'adadelta': torch.optim.Adadelta,
    'lion': Lion,
    'rprop': torch.optim.Rprop,
}


def factory(name):
    def make(parameters, **given):
        options = {NAMES.get(k, k): v for k, v in given.items()}
        decay = options.pop('weightDecay', 0.01 if name == 'adamW' else 0)
        biases = options.pop('decayBiases', False)
        native = name in ('adamW', 'lion')
        decoupled = options.pop('decoupled', native)
        assert decoupled or not native
        first, second = DEFAULT_BETAS.get(name, (0.9, 0.999))
        if name in ('adam', 'adamW', 'nadam', 'lion'):
            options['betas'] = (options.pop('beta1', first), options.pop('beta2', second))
        if name == 'nadam':
            options['foreach'] = True
        if name == 'rprop':
            assert decay == 0  # has none in PyTorch 1.13
            options['etas'] = (options.pop('etaMinus', 0.5), options.pop('etaPlus', 1.2))
            options['step_sizes'] = (options.pop('minStep', 1e-6), options.pop('maxStep', 50))
            return CLASSES[name](parameters, **options)
        optimizer = CLASSES[name](groups(parameters, decay, biases), **options)
        return Decoupled(optimizer) if decoupled and not native else optimizer

    return make


trajectories.OPTIMIZERS.update({name: factory(name) for name in CLASSES})

CONFIGURATIONS = []
dense, FLATTEN = trajectories.dense, trajectories.FLATTEN
TASKS = [
    (3, [dense(6, 'tanh'), dense(2)], trajectories.MSE),
    (4, [dense(5, 'sigmoid'), dense(3, 'softmax')], trajectories.SPARSE),
    (5, [dense(4, 'gelu', bias=False), dense(3, 'tanh'), dense(1)], trajectories.BCE_LOGITS),
]


def add(label, optimizer, rate, rows=12, batch=4, steps=30, **options):
    """One trajectory, on the tasks in turn."""
    inputs, layers, loss = TASKS[len(CONFIGURATIONS) % len(TASKS)]
    entry = {'type': optimizer, 'learningRate': rate, **options}
    spec = {'inputShape': [inputs], 'layers': layers, 'loss': loss, 'optimizer': entry}
    CONFIGURATIONS.append(
        dict(name=label, spec=spec, rows=rows, batch=batch, steps=steps, scale=1.0, soft=False)
    )


add('dampened', 'sgd', 0.1, momentum=0.9, dampening=0.4)
add('dampened as much', 'sgd', 0.3, momentum=0.8, dampening=0.8)
add('nesterov', 'sgd', 0.05, momentum=0.9, nesterov=True)
add('decay', 'sgd', 0.1, weightDecay=0.1)
add('decay of all', 'sgd', 0.1, weightDecay=0.1, decayBiases=True)
add('momentum and decay', 'sgd', 0.05, momentum=0.9, weightDecay=0.05)
add('nesterov and decay of all', 'sgd', 0.05, momentum=0.8, nesterov=True, weightDecay=0.05, decayBiases=True)
add('decoupled', 'sgd', 0.05, momentum=0.8, weightDecay=0.1, decoupled=True)
add('decay', 'adam', 0.02, weightDecay=0.05)
add('decay of all', 'adam', 0.02, weightDecay=0.05, decayBiases=True)
add('amsgrad', 'adam', 0.05, beta2=0.7, amsgrad=True, steps=40)
add('defaults', 'adamW', 0.02)
add('much decay', 'adamW', 0.03, weightDecay=0.5)
add('amsgrad, decay of all', 'adamW', 0.05, beta1=0.8, beta2=0.6, amsgrad=True, weightDecay=0.2, decayBiases=True)
add('defaults', 'nadam', 0.02)
add('long', 'nadam', 0.01, steps=120)
add('fast momentum and decay', 'nadam', 0.03, beta1=0.8, beta2=0.99, momentumDecay=0.5, weightDecay=0.05)
add('defaults', 'rmsprop', 0.01)
add('momentum', 'rmsprop', 0.01, decay=0.9, momentum=0.7)
add('centered', 'rmsprop', 0.01, decay=0.95, centered=True, epsilon=1e-2)
add('centered, momentum', 'rmsprop', 0.01, decay=0.9, momentum=0.5, centered=True, epsilon=1e-2)
add('decay', 'rmsprop', 0.02, decay=0.9, weightDecay=0.05)
add('decoupled', 'rmsprop', 0.02, decay=0.9, weightDecay=0.1, decoupled=True)
add('defaults', 'adagrad', 0.1)
add('start', 'adagrad', 0.2, initialAccumulatorValue=0.1, epsilon=1e-3)
add('decay', 'adagrad', 0.1, weightDecay=0.05)
add('defaults', 'adadelta', 1.0, steps=60)
add('tuned, decay', 'adadelta', 0.8, rho=0.8, epsilon=1e-3, weightDecay=0.05)
add('decoupled', 'adadelta', 1.0, epsilon=1e-4, weightDecay=0.01, decoupled=True)
add('defaults', 'lion', 0.01)
add('decay', 'lion', 0.01, weightDecay=0.5)
add('tuned, decay of all', 'lion', 0.02, beta1=0.8, beta2=0.95, weightDecay=0.2, decayBiases=True)
add('all rows', 'rprop', 0.01, rows=10, batch=10)
add('all rows, tuned', 'rprop', 0.03, rows=9, batch=9, etaMinus=0.25, etaPlus=1.5, minStep=1e-3, maxStep=0.1)
add('batches', 'rprop', 0.01, maxStep=0.05)

if __name__ == '__main__':
    trajectories.write(
        'optimizers.json',
        'python3 scripts/golden-optimizers.py',
        CONFIGURATIONS,
        ' Lion is written from its formula, and so is decoupled decay of others than AdamW: see '
        'the script.',
    )
