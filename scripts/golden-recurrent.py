"""What PyTorch computes with recurrent layers, in float64, for test/recurrent.test.ts.

    python3 scripts/golden-recurrent.py > test/fixtures/recurrent.json

Needs PyTorch (made with 1.13.1). Each case has weights in the layout of chainrule, inputs, targets,
the outputs, and the weights after four steps of gradient descent on the mean squared error. PyTorch's
second biases are 0 and stay so, but for those of the GRU, which chainrule calls b2. Truncated, the state
is detached after every so many steps. Masked, sequences have lengths of their own and are packed; what
pads them is PAD, and their outputs behind the end, which are 0, do not count in the loss. Stateful, each
step begins at the state that the one before it ended in, detached.
"""

import json

import torch

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
BATCH, STEPS, INPUTS, UNITS = 5, 6, 3, 4
RATE = 0.1
LENGTHS = [6, 4, 1, 3, 5]
PAD = 9.0


def shown(tensor):
    return [float(f"{v:.9g}") for v in tensor.detach().reshape(-1).tolist()]


def case(kind, sequences, activation=None, both=False, truncate=None, masked=False, stateful=False, bias=True):
    options = {"batch_first": True, "bidirectional": both, "bias": bias}
    if activation:
        options["nonlinearity"] = activation
    layer = {"simpleRnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](
        INPUTS, UNITS, **options
    )
    ends = ["", "_reverse"] if both else [""]
    second = kind == "gru" and bias
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.empty_like(p).uniform_(-0.6, 0.6).float().double())
        if bias and not second:
            for end in ends:
                getattr(layer, f"bias_hh_l0{end}").zero_()

    def weights():
        each = []
        for end in ends:
            named = {
                "w": getattr(layer, f"weight_ih_l0{end}").t(),
                "u": getattr(layer, f"weight_hh_l0{end}").t(),
            }
            if bias:
                named["b"] = getattr(layer, f"bias_ih_l0{end}")
            if second:
                named["b2"] = getattr(layer, f"bias_hh_l0{end}")
            each.append({name: shown(value.contiguous()) for name, value in named.items()})
        return each

    x = torch.empty(BATCH, STEPS, INPUTS).uniform_(-1.5, 1.5).float().double()
    lengths = torch.tensor(LENGTHS if masked else [STEPS] * BATCH)
    counts = torch.arange(STEPS)[None] < lengths[:, None]
    x[~counts] = PAD

    begin, end_of = None, None

    def forward():
        nonlocal end_of
        if masked:
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            out, state = layer(packed)
            if sequences:
                return torch.nn.utils.rnn.pad_packed_sequence(out, True, total_length=STEPS)[0]
            return torch.cat(list(state[0] if kind == "lstm" else state), 1)
        parts, state = [], begin
        for s in range(0, STEPS, truncate or STEPS):
            part, state = layer(x[:, s : s + (truncate or STEPS)], state)
            state = tuple(v.detach() for v in state) if kind == "lstm" else state.detach()
            parts.append(part)
        end_of, out = state, torch.cat(parts, 1)
        if sequences:
            return out
        # The last state of each direction.
        return torch.cat([out[:, -1, :UNITS], out[:, 0, UNITS:]], 1) if both else out[:, -1]

    y = torch.empty_like(forward()).uniform_(-1, 1).float().double()
    trained = [p for name, p in layer.named_parameters() if second or "bias_hh" not in name]
    before = weights()
    outputs = shown(forward())
    losses = []
    for _ in range(4):
        out = forward()
        errors = (out - y) ** 2 * (counts[:, :, None] if sequences else 1)
        loss = errors.sum() / out.numel()
        losses.append(float(loss))
        for p in trained:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p in trained:
                p -= RATE * p.grad
        begin = end_of if stateful else None
    return {
        "kind": kind,
        "sequences": sequences,
        "activation": activation,
        "both": both,
        "truncate": truncate,
        "masked": masked,
        "stateful": stateful,
        "bias": bias,
        "x": shown(x),
        "y": shown(y),
        "before": before,
        "outputs": outputs,
        "losses": [float(f"{v:.9g}") for v in losses],
        "after": weights(),
    }


cases = []
for sequences in (False, True):
    for activation in ("tanh", "relu"):
        cases.append(case("simpleRnn", sequences, activation))
    for kind in ("lstm", "gru"):
        for both in (False, True):
            cases.append(case(kind, sequences, both=both))
for kind in ("simpleRnn", "lstm", "gru"):
    activation = "tanh" if kind == "simpleRnn" else None
    for sequences in (False, True):
        cases.append(case(kind, sequences, activation, truncate=4 if sequences else 2))
for kind in ("simpleRnn", "lstm", "gru"):
    activation = "tanh" if kind == "simpleRnn" else None
    for sequences in (False, True):
        for both in (False, True):
            cases.append(case(kind, sequences, activation, both, masked=True))
for kind in ("simpleRnn", "lstm", "gru"):
    activation = "tanh" if kind == "simpleRnn" else None
    for sequences in (False, True):
        cases.append(case(kind, sequences, activation, stateful=True))
for kind in ("simpleRnn", "lstm", "gru"):
    cases.append(case(kind, True, "tanh" if kind == "simpleRnn" else None, both=True, bias=False))
print(
    json.dumps(
        {
            "tool": "PyTorch",
            "version": torch.__version__,
            "command": "python3 scripts/golden-recurrent.py > test/fixtures/recurrent.json",
            **{"lengths": LENGTHS, "pad": PAD},
            **{"batch": BATCH, "steps": STEPS, "inputs": INPUTS, "units": UNITS, "rate": RATE},
            "cases": cases,
        }
    )
)
