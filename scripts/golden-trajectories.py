"""Golden training trajectories from PyTorch, for test/trajectories.test.ts.

    python3 scripts/golden-trajectories.py

writes test/fixtures/trajectories.json, in the way that scripts/trajectories.py tells.
"""

from trajectories import (
    BCE, BCE_LOGITS, CCE, ELU_HALF, FLATTEN, HALF_SUM, HUBER, HUBER_HALF, LEAKY, MAE, MSE, SPARSE,
    TUNED_ADAM, activation, adam, dense, sgd, write,
)

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

if __name__ == '__main__':
    write('trajectories.json', 'python3 scripts/golden-trajectories.py', CONFIGURATIONS)
