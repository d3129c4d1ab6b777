"""Fits the coefficients of src/math.ts, assembly/internal/math.ts and src/math64.ts and prints them.

Polynomials are minimax by the exchange algorithm of Remez under a weight that makes the error
relative to the function computed; the rational function is fitted by least squares with Lawson's
weights. "error" is relative, with rounded coefficients, in units of the rounding error of the type
(2^-24 or 2^-53).

    python3 scripts/fit-math.py        # needs mpmath and numpy; takes some seconds
"""
import numpy as np
from mpmath import mp, mpf, matrix, lu_solve

mp.dps = 50
single = lambda c: mpf(float(np.float32(float(c))))
double = lambda c: mpf(float(c))


def nodes(a, b, count, shift=0):
    return [a + (b - a) * (1 - mp.cos(mp.pi * (i + mpf(shift)) / count)) / 2 for i in range(count + 1 - (shift > 0))]


def remez(f, powers, a, b, weight):
    """The coefficients of `powers` with the least largest |weight · (f − Σ c x^p)| on [a, b]."""
    n, grid = len(powers), 60 * len(powers)
    xs = nodes(a, b, grid, 0.5)
    fs, ws = [f(x) for x in xs], [weight(x) for x in xs]
    rows = [[x**p for p in powers] for x in xs]
    reference = [i * (len(xs) - 1) // n for i in range(n + 1)]
    for _ in range(30):
        A, right = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for i, k in enumerate(reference):
            for j in range(n):
                A[i, j] = rows[k][j]
            A[i, n], right[i] = (-1) ** i / ws[k], fs[k]
        c = lu_solve(A, right)
        errors = [w * (y - mp.fdot(row, c[:n])) for w, y, row in zip(ws, fs, rows)]
        peaks = [0]
        for k, e in enumerate(errors):
            if (e > 0) != (errors[peaks[-1]] > 0):
                peaks.append(k)
            elif abs(e) > abs(errors[peaks[-1]]):
                peaks[-1] = k
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < n + 1 or peaks == reference:
            break
        reference = peaks
    return [c[j] for j in range(n)]


def polynomial(name, f, degree, a, b, weight, to):
    c = [to(v) for v in remez(f, range(degree + 1), mpf(a), mpf(b), weight)]
    xs = nodes(mpf(a), mpf(b), 999, 0.3)
    report(name, max(abs(weight(x) * (f(x) - mp.polyval(c[::-1], x))) for x in xs), to, c)


def rational(name, f, n, m, a, b, weight, to):
    """f ≈ (1 + Σ p x^i) / (1 + Σ q x^i) with n and m coefficients, in float64 least squares."""
    x = a + (b - a) * np.linspace(0, 1, 3000) ** 2
    y = np.array([float(f(mpf(t))) for t in x])
    w = np.array([float(weight(mpf(t))) for t in x])
    lawson, below, best = np.ones_like(x), np.ones_like(x), None
    for _ in range(600):
        s = w * np.sqrt(lawson) / below
        columns = [x**i * s for i in range(1, n + 1)] + [-y * x**i * s for i in range(1, m + 1)]
        c = np.linalg.lstsq(np.stack(columns, 1), (y - 1) * s, rcond=None)[0]
        below = 1 + sum(c[n + i - 1] * x**i for i in range(1, m + 1))
        errors = abs(w * (y - (1 + sum(c[i - 1] * x**i for i in range(1, n + 1))) / below))
        if best is None or errors.max() < best[0]:
            best = (errors.max(), c)
        lawson = lawson * (errors / errors.max() + 1e-3)
        lawson /= lawson.mean()
    report(name, best[0], to, [to(v) for v in best[1]])


def report(name, error, to, coefficients):
    unit = 2**24 if to is single else 2**53
    print(f'{name}: error {mp.nstr(error * unit, 3)}')
    for c in coefficients:
        print('   ', repr(np.float32(float(c))) if to is single else repr(float(c)))


def near(f, at_zero):
    """f with its limit at 0, where the closed form divides 0 by 0."""
    return lambda x: f(x) if abs(x) > mpf(10) ** -15 else mpf(at_zero)


def relative(f):
    """A weight |f|, 0 at 0 replaced by something that can be divided by."""
    return lambda x: abs(f(x)) + mpf(10) ** -40


half_ln2 = mp.log(2) / 2
low, high = mp.sqrt(mpf(1) / 2) - 1, mp.sqrt(2) - 1

# expm1(r) = r + r²/2 + r³ p(r)
p = near(lambda r: (mp.expm1(r) - r - r * r / 2) / r**3, mpf(1) / 6)
polynomial('exp', p, 3, -half_ln2, half_ln2, relative(lambda r: r**3 / mp.exp(r)), single)

# log1p(f) = f − f²/2 + f³ p(f)
p = near(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, mpf(1) / 3)
polynomial('log1p', p, 7, low, high, relative(lambda f: f**3 / mp.log1p(f) if f else mpf(0)), single)

# 2 (x − log1p(x)) / x², 0 ≤ x ≤ 1
g = near(lambda x: 2 * (x - mp.log1p(x)) / x**2, 1)
rational('log1p above 0', g, 2, 3, 0, 1, lambda x: x * x / 2 / mp.log1p(x) if x else mpf(0), single)

# tanh(x) = x + x³ p(x²), |x| ≤ 0.5625
p = near(lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, -mpf(1) / 3)
polynomial('tanh', p, 4, 0, 0.5625**2, relative(lambda z: z), single)

# erf(x) = x + x p(x²), |x| ≤ 1
p = near(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, 2 / mp.sqrt(mp.pi) - 1)
polynomial('erf', p, 6, 0, 1, lambda z: 1 / (1 + p(z)), single)

# erfc(x) exp(x²), 0 ≤ x ≤ 9; the weight lets go where erfc is small beside the 1 it is taken from
tail = lambda x: mp.exp(x * x) * mp.erfc(x)
rational('erfc', tail, 3, 4, 0, 9, lambda x: 1 / (tail(x) * (1 + min(mpf(1) / 50 / mp.erfc(x), 10**4))), single)

q = near(lambda r: (mp.expm1(r) - r) / r**2, 0.5)
polynomial('float64 exp', q, 9, -half_ln2 * 1.01, half_ln2 * 1.01, relative(lambda r: r * r / mp.exp(r)), double)

# log((1 + s) / (1 − s)) = 2s + s³ p(s²)
p = near(lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z, mpf(2) / 3)
polynomial('float64 log', p, 6, 0, (high / (2 + high)) ** 2, relative(lambda z: z / 2), double)

# sin(x) = x + x³ p(x²) and cos(x) = 1 − x²/2 + x⁴ p(x²), |x| ≤ π/4
p = near(lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, -mpf(1) / 6)
polynomial('float64 sin', p, 5, 0, (mp.pi / 4) ** 2 * 1.01, relative(lambda z: z), double)
p = near(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, mpf(1) / 24)
polynomial('float64 cos', p, 5, 0, (mp.pi / 4) ** 2 * 1.01, relative(lambda z: z * z), double)

# sin(2πt) = t p(t²), |t| ≤ 1/4
p = near(lambda z: mp.sin(2 * mp.pi * mp.sqrt(z)) / mp.sqrt(z), 2 * mp.pi)
polynomial('sin of turns', p, 4, 0, mpf(1) / 16, lambda z: 1 / p(z), single)
