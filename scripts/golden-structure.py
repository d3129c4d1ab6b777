"""Golden trajectories of blocks, frozen layers and normalization, for test/normalization.test.ts.

    python3 scripts/golden-structure.py

writes test/fixtures/structure.json, in the way that scripts/trajectories.py tells. Normalization is
F.batch_norm, whose running statistics are part of the final weights, and F.layer_norm; a frozen batch
normalization runs in its inference form.
"""

from trajectories import BCE, MSE, SPARSE, activation, adam, dense, sgd, write

CONFIGURATIONS = []


def add(name, inputs, layers, loss, optimizer, rows=12, batch=4, steps=24):
    spec = {'inputShape': [inputs], 'layers': layers, 'loss': loss, 'optimizer': optimizer}
    CONFIGURATIONS.append(
        dict(name=name, spec=spec, rows=rows, batch=batch, steps=steps, scale=1.0, soft=False)
    )


def residual(layers, shortcut=None, **options):
    extra = {} if shortcut is None else {'shortcut': shortcut}
    return {'type': 'residual', 'layers': layers, **extra, **options}


def parallel(branches, merge='concatenate', **options):
    return {'type': 'parallel', 'branches': branches, 'merge': merge, **options}


def frozen(layer):
    return {**layer, 'trainable': False}


def batch_norm(**options):
    return {'type': 'batchNormalization', **options}


def layer_norm(**options):
    return {'type': 'layerNormalization', **options}


add('residual', 5, [residual([dense(7, 'tanh'), dense(5)]), dense(2)], MSE, sgd(0.05))
add('residual with a shortcut', 4, [residual([dense(6, 'tanh')], [dense(6, bias=False)]), dense(3, 'softmax')], SPARSE, adam(0.02))
add('residual behind relu', 6, [dense(5, 'relu'), residual([dense(5)]), dense(1)], MSE, sgd(0.05, 0.9), batch=5)
add('deep residual', 3, [dense(8), *[residual([activation('tanh'), dense(8)]) for _ in range(4)], dense(2)], MSE, sgd(0.02))
add('concatenated', 4, [parallel([[dense(3, 'tanh')], [], [dense(2, 'silu')]]), dense(2)], MSE, sgd(0.1))
add('added', 5, [parallel([[dense(4, 'tanh')], [dense(4, 'gelu')], [dense(4)]], 'add'), dense(1, 'sigmoid')], BCE, adam(0.02))
add('nested', 4, [residual([parallel([[dense(3, 'tanh')], [residual([dense(4, 'softplus')])]]), dense(4)]), dense(2)], MSE, adam(0.01), batch=5)
add('residual last', 3, [dense(4, 'tanh'), dense(2), residual([dense(3, 'tanh'), dense(2)])], MSE, sgd(0.1))
add('frozen below', 4, [frozen(dense(6, 'tanh')), dense(2)], MSE, sgd(0.1))
add('frozen between', 5, [dense(6, 'tanh'), frozen(dense(4, 'silu')), dense(2)], MSE, adam(0.02))
add('frozen block', 4, [dense(5, 'tanh'), frozen(residual([dense(5, 'tanh')])), dense(3, 'softmax')], SPARSE, sgd(0.2, 0.9))
add('batch normalization', 4, [dense(6, bias=False), batch_norm(), activation('tanh'), dense(2)], MSE, sgd(0.1))
add('batch normalization, tuned', 3, [batch_norm(momentum=0.3, epsilon=0.01), dense(5, 'tanh'), batch_norm(), dense(3, 'softmax')], SPARSE, adam(0.02), rows=15, batch=5)
add('batch normalization, scale only', 5, [dense(9, bias=False), batch_norm(shift=False), activation('silu'), dense(1)], MSE, sgd(0.05, 0.9), rows=32, batch=32)
add('batch normalization, shift only', 4, [dense(5, bias=False), batch_norm(scale=False), activation('gelu'), dense(2)], MSE, adam(0.02))
add('batch normalization, frozen', 4, [dense(5, 'tanh'), frozen(batch_norm()), dense(2)], MSE, sgd(0.1))
add('batch normalization in a block', 4, [residual([batch_norm(), activation('tanh'), dense(4)]), dense(2)], MSE, sgd(0.1), rows=16, batch=8)
add('layer normalization', 4, [dense(6), layer_norm(), activation('tanh'), dense(2)], MSE, sgd(0.1))
add('layer normalization, tuned', 5, [layer_norm(epsilon=0.01), dense(7, 'tanh'), layer_norm(scale=False), dense(3, 'softmax')], SPARSE, adam(0.02), batch=1)
add('layer normalization, bare', 6, [dense(9, 'silu'), layer_norm(scale=False, shift=False), dense(2)], MSE, sgd(0.05, 0.9), batch=5)
add('layer normalization in a block', 3, [dense(5), residual([layer_norm(), dense(7, 'gelu'), dense(5)]), layer_norm(), dense(1, 'sigmoid')], BCE, adam(0.02), rows=17, batch=5)

if __name__ == '__main__':
    write('structure.json', 'python3 scripts/golden-structure.py', CONFIGURATIONS)
