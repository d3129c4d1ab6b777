"""What stands before the dense layers of pytorch.py: modules, the layout of rows, and the weights."""

import numpy as np
import torch


class Convolution:
    def __init__(self, task):
        self.front = task["front"]
        size, channels, kernel = (self.front[name] for name in ("size", "channels", "kernel"))
        self.rows = np.ascontiguousarray(task["x"].reshape(-1, size, size, channels).transpose(0, 3, 1, 2))
        self.convolutions = []
        self.modules = []
        for w, b in task["layers"][: len(self.front["filters"])]:
            module = torch.nn.Conv2d(channels, len(b), kernel, padding="same")
            taps = w.reshape(kernel, kernel, channels, len(b)).transpose(3, 2, 0, 1)
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(taps.copy()))
                module.bias.copy_(torch.from_numpy(b))
            self.convolutions.append(module)
            self.modules += [module, torch.nn.ReLU()]
            channels = len(b)
        self.modules += [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()]
        self.layers = len(self.convolutions)

    def weights(self):
        return [
            (c.weight.detach().permute(2, 3, 1, 0).reshape(-1, c.out_channels).numpy(), c.bias.detach().numpy())
            for c in self.convolutions
        ]


class LastStep(torch.nn.Module):
    def __init__(self, lstm):
        super().__init__()
        self.lstm = lstm

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


class Recurrence:
    layers = 1

    def __init__(self, task):
        steps, inputs, units = (task["front"][name] for name in ("steps", "inputs", "units"))
        w, b = task["layers"][0]
        self.rows = task["x"].reshape(-1, steps, inputs)
        self.lstm = torch.nn.LSTM(inputs, units, batch_first=True)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(torch.from_numpy(w[:inputs].T.copy()))
            self.lstm.weight_hh_l0.copy_(torch.from_numpy(w[inputs:].T.copy()))
            self.lstm.bias_ih_l0.copy_(torch.from_numpy(b))
            self.lstm.bias_hh_l0.zero_()
        # It adds two biases; one of them learns.
        self.lstm.bias_hh_l0.requires_grad_(False)
        self.modules = [LastStep(self.lstm)]

    def weights(self):
        w = torch.cat([self.lstm.weight_ih_l0.T, self.lstm.weight_hh_l0.T])
        return [(w.detach().numpy(), self.lstm.bias_ih_l0.detach().numpy())]


fronts = {"convolution": Convolution, "recurrence": Recurrence}
