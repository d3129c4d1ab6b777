"""Golden trajectories of convolutions and pooling, for test/convolution.test.ts.

    python3 scripts/golden-convolution.py

writes test/fixtures/convolution.json, in the way that scripts/trajectories.py tells. Layers are those
of torch.nn.functional; their weights are turned from [filters, channels, …] to […, channels, filters].
"""

from trajectories import FLATTEN, MSE, SPARSE, activation, adam, dense, sgd, write

CONFIGURATIONS = []


def add(name, shape, layers, loss, optimizer, rows=12, batch=4, steps=24):
    spec = {'inputShape': shape, 'layers': layers, 'loss': loss, 'optimizer': optimizer}
    CONFIGURATIONS.append(
        dict(name=name, spec=spec, rows=rows, batch=batch, steps=steps, scale=1.0, soft=False)
    )


def layer(kind, **options):
    return {'type': kind, **options}


def conv2d(filters, size, **options):
    return layer('conv2d', filters=filters, kernelSize=size, **options)


def conv1d(filters, size, **options):
    return layer('conv1d', filters=filters, kernelSize=size, **options)


def transposed(filters, size, **options):
    return layer('conv2dTranspose', filters=filters, kernelSize=size, **options)


MEAN = layer('globalAveragePooling')
LARGEST = layer('globalMaxPooling')

add('plain', [5, 6, 2], [conv2d(3, 3, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('same', [4, 4, 3], [conv2d(4, 3, padding='same', activation='tanh'), MEAN, dense(2)], MSE, sgd(0.3))
add('same, even kernel', [5, 5, 1], [conv2d(3, [2, 4], padding='same', activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('strides and padding', [7, 6, 2], [conv2d(4, 3, strides=2, padding=1, activation='silu'), FLATTEN, dense(3, 'softmax')], SPARSE, adam(0.02))
add('unequal strides', [8, 9, 1], [conv2d(3, [2, 3], strides=[3, 2], padding=[1, 0], activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05, 0.9))
add('dilation', [7, 7, 2], [conv2d(3, 3, dilation=2, padding=1, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('groups', [4, 5, 4], [conv2d(6, 3, groups=2, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('depthwise', [5, 5, 3], [conv2d(6, 3, groups=3, padding=1, activation='tanh'), conv2d(4, 1, activation='tanh'), FLATTEN, dense(2)], MSE, adam(0.02), batch=5)
add('no bias', [4, 4, 2], [conv2d(3, 2, useBias=False, activation='tanh'), FLATTEN, dense(1)], MSE, sgd(0.05, 0.9))
add('two, and relu', [5, 5, 1], [conv2d(3, 3, activation='relu'), conv2d(4, 2, activation='relu'), FLATTEN, dense(2)], MSE, sgd(0.02), batch=3)
add('largest', [6, 6, 1], [conv2d(3, 3, padding='same', activation='tanh'), layer('maxPooling2d', poolSize=2), FLATTEN, dense(2)], MSE, sgd(0.05))
add('largest of windows that overlap', [7, 6, 2], [conv2d(3, 1, activation='tanh'), layer('maxPooling2d', poolSize=3, strides=2, padding=1), FLATTEN, dense(2)], MSE, sgd(0.05))
add('means', [6, 6, 2], [conv2d(3, 2, activation='tanh'), layer('averagePooling2d', poolSize=[2, 3], strides=2, padding=[1, 0]), FLATTEN, dense(2)], MSE, sgd(0.1))
add('normalized', [5, 5, 2], [conv2d(4, 3, useBias=False), layer('batchNormalization'), activation('tanh'), MEAN, dense(3, 'softmax')], SPARSE, adam(0.02), rows=16, batch=8)
add('largest of all', [5, 4, 2], [conv2d(4, 2, activation='tanh'), LARGEST, dense(2)], MSE, sgd(0.1))
add('transposed', [3, 4, 2], [transposed(3, 3, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('transposed, strides and padding', [4, 3, 3], [conv2d(4, 1, activation='tanh'), transposed(2, [3, 4], strides=2, padding=1, activation='relu'), FLATTEN, dense(2)], MSE, sgd(0.02, 0.9))
add('transposed, strides past kernels', [3, 3, 2], [transposed(3, 2, strides=3, useBias=False), activation('silu'), MEAN, dense(3, 'softmax')], SPARSE, adam(0.05))
add('sequence', [9, 2], [conv1d(3, 3, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('sequence, all options', [12, 4], [conv1d(6, 3, strides=2, padding=2, dilation=2, groups=2, activation='tanh'), layer('maxPooling1d', poolSize=2), FLATTEN, dense(2)], MSE, sgd(0.05))
add('sequence, means', [11, 1], [conv1d(4, 4, padding='same', activation='silu'), layer('averagePooling1d', poolSize=3, strides=2, padding=1), FLATTEN, dense(3, 'softmax')], SPARSE, adam(0.02), batch=5)
add('sequence, larger', [16, 3], [conv1d(8, 5, activation='tanh'), conv1d(8, 3, activation='tanh'), MEAN, dense(1)], MSE, adam(0.01), rows=17, batch=6)
add('larger by repetition', [3, 2, 2], [layer('upSampling2d', size=[2, 3]), conv2d(3, 3, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05))
add('to other shapes', [12], [layer('reshape', shape=[2, 3, 2]), conv2d(4, 2, padding='same', activation='tanh'), layer('reshape', shape=[4, 6]), conv1d(3, 2, activation='tanh'), FLATTEN, dense(2)], MSE, sgd(0.05, 0.9))

if __name__ == '__main__':
    write('convolution.json', 'python3 scripts/golden-convolution.py', CONFIGURATIONS)
