"""Scores of scikit-learn's multi-layer perceptrons on its own data sets, over ten splits.

    python3 bench/scikit/scikit.py

prints JSON: for each data set its rows and targets, and for each split the rows to train on, those to
test on, and the score (accuracy, or R2). Run by bench/scikit/index.ts.
"""

import json
import sys
import warnings

from sklearn import __version__, datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

warnings.simplefilter('ignore', ConvergenceWarning)

SEEDS = range(10)
OPTIONS = dict(hidden_layer_sizes=(64,), max_iter=200, n_iter_no_change=20)


def score(x, y, train, test, regression, seed):
    scaler = StandardScaler().fit(x[train])
    inputs = scaler.transform(x)
    if not regression:
        # Without a validation part: on the smaller sets that makes scikit-learn's scores better.
        network = MLPClassifier(random_state=seed, **OPTIONS)
        return network.fit(inputs[train], y[train]).score(inputs[test], y[test])
    targets = StandardScaler().fit(y[train, None])
    network = MLPRegressor(random_state=seed, early_stopping=True, **OPTIONS)
    network.fit(inputs[train], targets.transform(y[train, None])[:, 0])
    return network.score(inputs[test], targets.transform(y[test, None])[:, 0])


result = {'version': __version__, 'sets': []}
for name in ['iris', 'wine', 'breast_cancer', 'digits', 'diabetes']:
    data = getattr(datasets, f'load_{name}')()
    x, y = data.data, data.target
    regression = name == 'diabetes'
    splits = []
    for seed in SEEDS:
        train, test = train_test_split(
            range(len(y)), test_size=0.2, random_state=seed, stratify=None if regression else y
        )
        splits.append(
            {'train': train, 'test': test, 'score': score(x, y, train, test, regression, seed)}
        )
    classes = 0 if regression else len(set(y.tolist()))
    result['sets'].append(
        {'name': name, 'classes': classes, 'x': x.tolist(), 'y': y.tolist(), 'splits': splits}
    )
json.dump(result, sys.stdout)
