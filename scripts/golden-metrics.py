"""Golden values of metrics and scalers from scikit-learn, for test/metrics.test.ts and test/preprocessing.test.ts.

    python3 scripts/golden-metrics.py

writes test/fixtures/metrics.json. Scores are multiples of 1/32 and so are exact in float32; few
distinct ones make many ties.
"""

import json
import os

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn import preprocessing as p

OUTPUT = os.path.join(os.path.dirname(__file__), '..', 'test', 'fixtures', 'metrics.json')
draw = np.random.RandomState(7)
AVERAGES = ['macro', 'micro', 'weighted']


def averaged(truth, said, averages, **options):
    return {
        name: {a: score(truth, said, average=a, zero_division=0, **options) for a in averages}
        for name, score in [
            ('precision', m.precision_score),
            ('recall', m.recall_score),
            ('f1', m.f1_score),
        ]
    }


def binary(rows, levels):
    """One probability a row, of which 0.5 decides."""
    truth = draw.randint(0, 2, rows)
    scores = (draw.randint(0, levels, rows) + truth * levels // 2) * 2 // 3 * (32 // levels) / 32
    scores = np.clip(scores, 1 / 32, 31 / 32)
    said = (scores > 0.5).astype(int)
    return {
        'truth': truth.tolist(),
        'scores': scores.tolist(),
        'said': said.tolist(),
        'values': {
            'accuracy': m.accuracy_score(truth, said),
            'matthews': m.matthews_corrcoef(truth, said),
            'rocAuc': m.roc_auc_score(truth, scores),
            'averagePrecision': m.average_precision_score(truth, scores),
            'logLoss': m.log_loss(truth, scores),
        },
        'averaged': averaged(truth, said, [*AVERAGES, 'binary']),
        'confusion': m.confusion_matrix(truth, said).tolist(),
    }


def classes(rows, count, absent=None):
    """Probabilities of several classes, in 64ths that add up to 1; the true one is often likely."""
    truth = draw.randint(0, count, rows)
    if absent is not None:
        truth[truth == absent] = 0
    # Distinct within a row, so that no rule for ties has a say in the top k.
    scores = np.array([draw.choice(range(1, 16), count, replace=False) for _ in truth]) / 64
    scores[range(rows), scores.argmax(axis=1)] += 1 - scores.sum(axis=1)
    lucky = draw.rand(rows) < 0.6
    for r in np.nonzero(lucky)[0]:
        best = scores[r].argmax()
        scores[r, [best, truth[r]]] = scores[r, [truth[r], best]]
    if absent is not None:
        scores[:, absent] = 0
        scores[range(rows), scores.argmax(axis=1)] += 1 - scores.sum(axis=1)
    said = scores.argmax(axis=1)
    present = np.unique(truth)
    one_hot = np.eye(count)[truth][:, present]
    values = {
        'accuracy': m.accuracy_score(truth, said),
        'matthews': m.matthews_corrcoef(truth, said),
        'rocAuc': m.roc_auc_score(one_hot, scores[:, present], average='macro'),
        'averagePrecision': m.average_precision_score(one_hot, scores[:, present]),
        'topKAccuracy': m.top_k_accuracy_score(truth, scores, k=2, labels=range(count)),
        'logLoss': float(np.mean(-np.log(np.clip(scores[range(rows), truth], 2**-52, 1 - 2**-52)))),
    }
    if absent is None:
        values['rocAuc'] = m.roc_auc_score(truth, scores, multi_class='ovr')
        values['logLoss'] = m.log_loss(truth, scores)
    return {
        'truth': truth.tolist(),
        'scores': scores.tolist(),
        'said': said.tolist(),
        'values': values,
        'averaged': averaged(truth, said, AVERAGES),
        'confusion': m.confusion_matrix(truth, said, labels=range(count)).tolist(),
        'report': m.classification_report(
            truth, said, labels=range(count), zero_division=0, output_dict=True
        ),
    }


def flags(rows, count):
    """Several times yes or no."""
    truth = draw.randint(0, 2, (rows, count))
    truth[:, -1] = 0  # never true
    scores = np.clip((draw.randint(0, 16, (rows, count)) + 16 * truth) / 32, 1 / 32, 31 / 32)
    scores[:, -1] = 1 / 8  # and never said
    said = (scores > 0.5).astype(int)
    used = slice(0, count - 1)
    return {
        'truth': truth.tolist(),
        'scores': scores.tolist(),
        'values': {
            'accuracy': float((truth == said).mean()),
            'rocAuc': m.roc_auc_score(truth[:, used], scores[:, used]),
            'averagePrecision': m.average_precision_score(truth[:, used], scores[:, used]),
            'logLoss': float(
                np.mean([m.log_loss(truth[:, c], scores[:, c], labels=[0, 1]) for c in range(count)])
            ),
        },
        'averaged': averaged(truth, said, AVERAGES),
    }


def values(rows, count):
    truth = np.float32(draw.normal(50, 9, (rows, count))).astype(float)
    said = np.float32(truth + draw.normal(0, 4, (rows, count))).astype(float)
    return {
        'truth': truth.tolist(),
        'said': said.tolist(),
        'values': {
            'meanAbsoluteError': m.mean_absolute_error(truth, said),
            'meanSquaredError': m.mean_squared_error(truth, said),
            'rootMeanSquaredError': m.mean_squared_error(truth, said) ** 0.5,
            'meanAbsolutePercentageError': m.mean_absolute_percentage_error(truth, said),
            'r2': m.r2_score(truth, said),
        },
    }


def scalers(rows):
    x = np.float32(draw.normal(3, 5, (rows, 4))).astype(float)
    x[:, 1] = np.float32(x[:, 1] * 1000)
    x[:, 2] = 7  # never changes
    x[:, 3] = draw.randint(0, 4, rows)  # many the same
    made = {
        'standardScaler': p.StandardScaler(),
        'minMaxScaler': p.MinMaxScaler(),
        'minMaxScaler -1 3': p.MinMaxScaler((-1, 3)),
        'robustScaler': p.RobustScaler(),
    }
    return {'x': x.tolist(), **{k: s.fit_transform(x).tolist() for k, s in made.items()}}


golden = {
    'source': f'scikit-learn {sklearn.__version__}, numpy {np.__version__}, float64',
    'binary': [binary(40, 16), binary(23, 4)],
    'classes': [classes(30, 4), classes(24, 3), classes(25, 4, absent=2)],
    'flags': [flags(20, 4)],
    'values': [values(20, 1), values(12, 3)],
    'scalers': [scalers(12), scalers(9)],
}
with open(OUTPUT, 'w') as file:
    json.dump(golden, file)
    file.write('\n')
