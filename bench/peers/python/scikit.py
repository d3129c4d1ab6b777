"""scikit-learn's MLP, float32, its own mini-batch loop without shuffling.

It has no squared error with a sigmoid output: W1 is a classifier with a cross-entropy there.
"""

import sys
import warnings

import numpy as np
from protocol import load, serve
from sklearn.neural_network import MLPClassifier, MLPRegressor

warnings.filterwarnings("ignore")
task = load(sys.argv[1])
batch, rows = task["batch"], task["rows"]
regression = task["output"] == "linear"
x = task["x"]
y = task["y"].ravel() if regression else task.get("labels", task["y"].ravel().astype(np.int64))
model = (MLPRegressor if regression else MLPClassifier)(
    hidden_layer_sizes=task["sizes"][1:-1],
    activation={"relu": "relu", "sigmoid": "logistic"}[task["hidden"]],
    solver=task["optimizer"]["type"],
    learning_rate_init=task["optimizer"]["learningRate"],
    momentum=0,
    nesterovs_momentum=False,
    alpha=0,
    batch_size=batch,
    shuffle=False,
    tol=0,
    n_iter_no_change=10**9,
    max_iter=1,
)

# The first call sets up arrays and optimizer; then the workload's weights are put into the arrays
# (the optimizer holds the same ones) and the optimizer's state is taken back to its beginning.
classes = {} if regression else {"classes": np.arange(max(2, task["sizes"][-1]))}
model.partial_fit(x[:batch], y[:batch], **classes)
for array, initial in zip(model.coefs_ + model.intercepts_, [w for w, _ in task["layers"]] + [b for _, b in task["layers"]]):
    array[...] = initial
if task["optimizer"]["type"] == "adam":
    model._optimizer.t = 0
    for slot in model._optimizer.ms + model._optimizer.vs:
        slot[...] = 0
per_epoch = rows // batch
place = 0


def step(n):
    global place
    while n > 0:
        if place == 0 and n >= per_epoch and n > 50:
            # Whole epochs in one call, from the weights as they are; a new fit restarts Adam's averages, which costs the same.
            model.set_params(max_iter=n // per_epoch, warm_start=True).fit(x, y)
            n %= per_epoch
        else:
            end = min(per_epoch, place + n)
            # A warm start refuses a part of the rows that lacks a class.
            model.warm_start = False
            model.partial_fit(x[place * batch : end * batch], y[place * batch : end * batch])
            n -= end - place
            place = end % per_epoch


def outputs(inputs):
    if regression:
        return model.predict(inputs)
    p = model.predict_proba(inputs)
    return p[:, 1] if task["sizes"][-1] == 1 else p


def predict(n):
    global place
    for _ in range(n):
        first = place * batch
        place = (place + 1) % per_epoch
        outputs(x[first : first + batch])


serve(step, predict, lambda count: outputs(x[:count]), lambda: zip(model.coefs_, model.intercepts_))
