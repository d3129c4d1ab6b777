"""PyTorch, eager, on one thread: its modules, a torch optimizer, zero_grad(set_to_none=True)."""

import sys

import torch
from protocol import load, serve
from pytorch_fronts import fronts

torch.set_num_threads(1)
task = load(sys.argv[1])
batch, rows = task["batch"], task["rows"]
activations = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}

front = fronts[task["front"]["type"]](task) if "front" in task else None
modules = list(front.modules) if front else []
below = front.layers if front else 0
for i, (w, b) in enumerate(task["layers"][below:], below):
    linear = torch.nn.Linear(*w.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(w.T.copy()))
        linear.bias.copy_(torch.from_numpy(b))
    modules.append(linear)
    if i < len(task["layers"]) - 1:
        modules.append(activations[task["hidden"]]())
    elif task["output"] == "sigmoid":
        modules.append(torch.nn.Sigmoid())
model = torch.nn.Sequential(*modules)

softmax = task["output"] == "softmax"
values = front.rows if front else task["x"]
x = torch.from_numpy(values)
y = torch.from_numpy(task["labels"] if softmax else task["y"])
entropy = torch.nn.functional.cross_entropy
loss = entropy if softmax else lambda z, t: (z - t).square().sum() * (0.5 / batch)
kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
optimizer = kinds[task["optimizer"]["type"]](model.parameters(), lr=task["optimizer"]["learningRate"])
batches = [(x[i : i + batch], y[i : i + batch]) for i in range(0, rows, batch)]
place = 0


def step(n):
    global place
    for _ in range(n):
        inputs, targets = batches[place]
        place = (place + 1) % len(batches)
        optimizer.zero_grad(set_to_none=True)
        loss(model(inputs), targets).backward()
        optimizer.step()


@torch.inference_mode()
def forward(inputs):
    z = model(inputs)
    return torch.softmax(z, 1) if softmax else z


def predict(n):
    global place
    for _ in range(n):
        # From numpy and back to it, as a caller's data would come and go.
        first = place * batch
        place = (place + 1) % len(batches)
        forward(torch.from_numpy(values[first : first + batch])).numpy()


def weights():
    before = front.weights() if front else []
    linears = [module for module in model if isinstance(module, torch.nn.Linear)]
    return before + [(l.weight.detach().numpy().T.copy(), l.bias.detach().numpy()) for l in linears]


serve(step, predict, lambda count: forward(x[:count]).numpy(), weights)
