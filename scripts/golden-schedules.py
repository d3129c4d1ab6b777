"""Writes test/fixtures/schedules.json: learning rates from PyTorch's own schedulers.

    python3 scripts/golden-schedules.py     # needs torch

Each case is the call as users of chainrule write it, and the rates that the scheduler of the same
options gives for t = 0, 1, 2 … A scheduler that watches a log is told `values`, one behind each epoch.
"""
import json
import warnings

import torch
from torch.optim import lr_scheduler as schedulers

warnings.simplefilter('ignore')
BASE = 0.05


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)


def rates(make, count, values=None):
    steps = optimizer()
    scheduler = make(steps)
    found = []
    for t in range(count):
        found.append(steps.param_groups[0]['lr'])
        steps.step()
        scheduler.step(*([values[t]] if values else []))
    return found


def case(name, options, make, count, values=None):
    made = {'name': name, 'options': options, 'rates': rates(make, count, values)}
    return {**made, 'values': values} if values else made


def warm(first, then, length):
    return lambda o: schedulers.SequentialLR(o, [first(o), then(o)], milestones=[length])


falling = [1, .8, .7, .69999, .69995, .7, .71, .69, .5, .5, .5, .5, .49, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5]
rising = [-.5, .1, .2, .2, .2, .25, .24, .24, .24, .24, .24, .24, .3, .3, .3, .3, .3, .3, .3, .3]
cases = [
    case('step', {'every': 4, 'factor': 0.3}, lambda o: schedulers.StepLR(o, 4, 0.3), 17),
    case('step', {'every': 3}, lambda o: schedulers.StepLR(o, 3), 10),
    case('step', {'at': [2, 3, 9], 'factor': 0.5}, lambda o: schedulers.MultiStepLR(o, [2, 3, 9], 0.5), 14),
    case('exponential', {'factor': 0.93}, lambda o: schedulers.ExponentialLR(o, 0.93), 60),
    case('polynomial', {'length': 12}, lambda o: schedulers.PolynomialLR(o, 12), 16),
    case('polynomial', {'length': 20, 'power': 2.5}, lambda o: schedulers.PolynomialLR(o, 20, 2.5), 24),
    case('cosine', {'length': 15}, lambda o: schedulers.CosineAnnealingLR(o, 15), 16),
    case('cosine', {'length': 10, 'minimum': 0.002}, lambda o: schedulers.CosineAnnealingLR(o, 10, 0.002), 11),
    case('cosineRestarts', {'length': 7}, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 7), 30),
    case('cosineRestarts', {'length': 3, 'growth': 2, 'minimum': 0.001},
         lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 2, 0.001), 50),
    case('oneCycle', {'learningRate': 0.4, 'length': 30},
         lambda o: schedulers.OneCycleLR(o, 0.4, total_steps=30, cycle_momentum=False), 30),
    case('oneCycle', {'learningRate': 1, 'length': 21, 'rise': 0.25, 'shape': 'linear', 'divisor': 10,
                      'finalDivisor': 100},
         lambda o: schedulers.OneCycleLR(o, 1, total_steps=21, pct_start=0.25, anneal_strategy='linear',
                                         cycle_momentum=False, div_factor=10, final_div_factor=100), 21),
    case('oneCycle', {'learningRate': 0.2, 'length': 25, 'rise': 0.4, 'threePhases': True},
         lambda o: schedulers.OneCycleLR(o, 0.2, total_steps=25, pct_start=0.4, cycle_momentum=False,
                                         three_phase=True), 25),
    case('warmUp', {'length': 5}, lambda o: schedulers.LinearLR(o), 9),
    case('warmUp', {'length': 6, 'start': 0.1}, lambda o: schedulers.LinearLR(o, 0.1, 1, 6), 9),
    case('warmUp', {'length': 4, 'start': 0.25, 'shape': 'constant'},
         lambda o: schedulers.ConstantLR(o, 0.25, 4), 9),
    case('warmUp', {'length': 4, 'start': 0.2, 'before': {'name': 'cosine', 'options': {'length': 10}}},
         warm(lambda o: schedulers.LinearLR(o, 0.2, 1, 4), lambda o: schedulers.CosineAnnealingLR(o, 10), 4), 15),
    case('warmUp', {'length': 3, 'start': 0.5, 'shape': 'constant',
                    'before': {'name': 'exponential', 'options': {'factor': 0.8}}},
         warm(lambda o: schedulers.ConstantLR(o, 0.5, 3), lambda o: schedulers.ExponentialLR(o, 0.8), 3), 12),
    case('reduceOnPlateau', {'patience': 2}, lambda o: schedulers.ReduceLROnPlateau(o, patience=2), 24, falling),
    case('reduceOnPlateau', {'patience': 1, 'factor': 0.5, 'cooldown': 3, 'minimum': 0.01},
         lambda o: schedulers.ReduceLROnPlateau(o, patience=1, factor=0.5, cooldown=3, min_lr=0.01), 24, falling),
    case('reduceOnPlateau', {'patience': 0, 'factor': 0.7, 'threshold': 0.05, 'thresholdMode': 'absolute'},
         lambda o: schedulers.ReduceLROnPlateau(o, patience=0, factor=0.7, threshold=0.05, threshold_mode='abs'),
         24, falling),
    case('reduceOnPlateau', {'patience': 2, 'mode': 'max', 'threshold': 0.1},
         lambda o: schedulers.ReduceLROnPlateau(o, 'max', patience=2, threshold=0.1), 20, rising),
    case('reduceOnPlateau', {'patience': 1, 'mode': 'max', 'threshold': 0.05, 'thresholdMode': 'absolute',
                             'epsilon': 0.001},
         lambda o: schedulers.ReduceLROnPlateau(o, 'max', patience=1, threshold=0.05, threshold_mode='abs',
                                                eps=0.001), 20, rising),
]
result = {'source': f'PyTorch {torch.__version__}, scripts/golden-schedules.py', 'learningRate': BASE, 'cases': cases}
with open('test/fixtures/schedules.json', 'w') as file:
    json.dump(result, file, separators=(',', ':'))
    file.write('\n')
