"""Golden trajectories under penalties, clipping and constraints, for test/regularization.test.ts.

    python3 scripts/golden-regularization.py

writes test/fixtures/regularization.json, in the way and in the form of scripts/trajectories.py.
Penalties are terms of the loss that PyTorch differentiates. Clipping is clip_grad_value_ and
clip_grad_norm_ of torch.nn.utils, per parameter or over all. Max-norm is torch.renorm, over the columns
of w [inputs, units]; non-negative is clamp.
"""

import torch

import trajectories

dense, sgd, adam = trajectories.dense, trajectories.sgd, trajectories.adam


def size(values, l1=0, l2=0):
    return l1 * values.abs().sum() + l2 * values.pow(2).sum()


def constrain(w, constraint):
    name, options = trajectories.split(constraint)
    if name == 'nonNegative':
        w.clamp_(min=0)
    else:
        # The norm of each column; a bias has one number in each.
        matrix = w if w.dim() == 2 else w[None]
        w.copy_(torch.renorm(matrix, 2, 1, options['limit']).reshape(w.shape))


class Extras(trajectories.Extras):
    def penalty(self, spec, weights, values):
        total = 0
        for i, layer in enumerate(spec['layers']):
            if layer['type'] == 'activityRegularization':
                options = {k: v for k, v in layer.items() if k != 'type'}
                total = total + size(values[f'layers.{i}'], **options) / len(values[f'layers.{i}'])
            if 'weightRegularizer' in layer:
                total = total + size(weights[f'layers.{i}.w'], **layer['weightRegularizer'])
            if 'biasRegularizer' in layer:
                total = total + size(weights[f'layers.{i}.b'], **layer['biasRegularizer'])
            if 'activityRegularizer' in layer:
                total = total + size(values[f'layers.{i}'], **layer['activityRegularizer']) / len(values[f'layers.{i}'])
        return total

    def before_step(self, spec, weights):
        if 'clipping' not in spec:
            return
        name, options = trajectories.split(spec['clipping'])
        limit = options.get('limit', 1)
        every = list(weights.values())
        if name == 'value':
            torch.nn.utils.clip_grad_value_(every, limit)
        elif name == 'globalNorm':
            torch.nn.utils.clip_grad_norm_(every, limit)
        else:
            for w in every:
                torch.nn.utils.clip_grad_norm_([w], limit)

    def after_step(self, spec, weights):
        for i, layer in enumerate(spec['layers']):
            if 'weightConstraint' in layer:
                constrain(weights[f'layers.{i}.w'], layer['weightConstraint'])
            if 'biasConstraint' in layer:
                constrain(weights[f'layers.{i}.b'], layer['biasConstraint'])


trajectories.EXTRAS = Extras()

CONFIGURATIONS = []
MSE, BCE, SPARSE = trajectories.MSE, trajectories.BCE, trajectories.SPARSE


def add(name, inputs, layers, loss, optimizer, rows=12, batch=4, steps=30, **spec):
    spec = {'inputShape': [inputs], 'layers': layers, 'loss': loss, 'optimizer': optimizer, **spec}
    CONFIGURATIONS.append(
        dict(name=name, spec=spec, rows=rows, batch=batch, steps=steps, scale=1.0, soft=False)
    )


def layer(units, activation=None, **options):
    return {**dense(units, activation), **options}


L1, L2, BOTH = {'l1': 0.01}, {'l2': 0.03}, {'l1': 0.004, 'l2': 0.02}
MOST = {'type': 'maxNorm', 'limit': 0.6}

add('weights, l2', 3, [layer(6, 'tanh', weightRegularizer=L2), layer(2)], MSE, sgd(0.1))
add('weights, l1', 5, [layer(7, 'tanh', weightRegularizer={'l1': 0.002}), layer(1)], MSE, adam(0.01))
add('weights, both', 4, [layer(9, 'silu', weightRegularizer=BOTH), layer(3, 'softmax', weightRegularizer=BOTH)], SPARSE, sgd(0.1, 0.9), batch=5)
add('biases', 4, [layer(5, 'tanh', biasRegularizer=BOTH), layer(2, biasRegularizer=L2)], MSE, sgd(0.1))
add('activities', 3, [layer(8, 'tanh', activityRegularizer=L2), layer(1)], MSE, sgd(0.1), batch=5)
add('activities, l1 of relu', 4, [layer(9, 'relu', activityRegularizer=L1), layer(2)], MSE, adam(0.02))
add('activities of logits', 4, [layer(6, 'tanh'), layer(3, 'softmax', activityRegularizer={'l2': 0.2})], SPARSE, sgd(0.2))
add('activities of a layer', 3, [layer(5, 'softplus'), {'type': 'activityRegularization', **BOTH}, layer(2)], MSE, sgd(0.1))
add('activities of outputs', 5, [layer(5, 'gelu'), layer(3, activityRegularizer=BOTH)], MSE, sgd(0.1), batch=12)
add('everything', 4, [layer(7, 'tanh', weightRegularizer=L2, biasRegularizer=L2, activityRegularizer=L2), layer(2, weightRegularizer=L1)], MSE, adam(0.02))
add('by value', 4, [layer(6, 'tanh'), layer(2)], MSE, sgd(0.2), clipping={'type': 'value', 'limit': 0.1})
add('by norm', 3, [layer(9, 'gelu'), layer(2)], MSE, sgd(0.2), clipping={'type': 'norm', 'limit': 0.2})
add('by global norm', 5, [layer(7, 'tanh'), layer(1)], MSE, sgd(0.2, 0.5), clipping={'type': 'globalNorm', 'limit': 0.3})
add('by global norm, penalized', 4, [layer(5, 'silu', weightRegularizer=L2), layer(3, 'softmax')], SPARSE, adam(0.02), clipping={'type': 'globalNorm', 'limit': 0.25})
add('max-norm', 4, [layer(9, 'tanh', weightConstraint=MOST), layer(2)], MSE, sgd(0.2))
add('max-norm of all', 5, [layer(6, 'softplus', weightConstraint=MOST, biasConstraint={'type': 'maxNorm', 'limit': 0.3}), layer(3, weightConstraint=MOST)], MSE, adam(0.02))
add('non-negative', 4, [layer(7, 'tanh', weightConstraint='nonNegative', biasConstraint='nonNegative'), layer(2)], MSE, sgd(0.1))
add('non-negative and penalized', 3, [layer(5, 'tanh'), layer(1, 'sigmoid', weightConstraint='nonNegative', weightRegularizer=L2)], BCE, adam(0.03))

if __name__ == '__main__':
    trajectories.write('regularization.json', 'python3 scripts/golden-regularization.py', CONFIGURATIONS)
