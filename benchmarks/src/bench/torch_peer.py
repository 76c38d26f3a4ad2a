"""The Python side of the benchmark: lines of JSON in, lines of JSON out.

{"task": ID, "spec": {...}}        prepares a task          -> {"ready": true} or {"missing": WHY}
{"task": ID, "iterations": N}      times it                 -> {"seconds": per iteration}
{"task": ID, "release": true}      forgets it               -> {"released": true}
{"about": true}                    what computes here       -> {"libraries": [...]}
"""

import json
import os
import sys
import time

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None
try:
    import numpy
except ImportError:
    numpy = None


class Missing(Exception):
    pass


def tensors(shapes):
    return [torch.randn(shape) for shape in shapes]


def parameters(shapes):
    given = tensors(shapes)
    for p in given:
        p.requires_grad_()
        p.grad = torch.randn(p.shape)
    return given


def gradient_sets(shapes, count):
    return [tensors(shapes) for _ in range(count)]


def adamw(spec):
    variant = spec["variant"]
    options = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}[variant]
    try:
        optimizer = torch.optim.AdamW(parameters(spec["shapes"]), lr=1e-3, weight_decay=0.01, **options)
        optimizer.step()
    except (TypeError, RuntimeError):
        raise Missing(f"torch {torch.__version__} has no {variant} AdamW on CPUs")
    return optimizer.step


class PlainSoap:
    """SOAP in the order of operations of the authors' code (Vyas et al. 2024): the first moment, kept in the
    eigenbasis, is taken out of it and put back in every step, around the update of the covariances."""

    def __init__(self, shapes, gradients, frequency):
        self.p = tensors(shapes)
        self.gradients = gradients
        self.frequency = frequency
        self.calls = 0
        self.m = [torch.zeros_like(p) for p in self.p]
        self.v = [torch.zeros_like(p) for p in self.p]
        # One covariance and one basis per axis; vectors have none.
        self.covariances = [[torch.zeros(d, d) if p.dim() > 1 else None for d in p.shape] for p in self.p]
        self.bases = None
        self.lr, self.beta1, self.beta2, self.epsilon, self.decay = 3e-3, 0.95, 0.95, 1e-8, 0.01

    def rotate(self, x, bases, axis):
        """Contracts axis after axis with the bases: in (axis 0 of each) or out (axis 1). The axes come round to where they were."""
        for q in bases:
            x = torch.tensordot(x, q, dims=[[0], [axis]]) if q is not None else x.permute([*range(1, x.dim()), 0])
        return x

    def accumulate(self, g, covariances):
        for axis, covariance in enumerate(covariances):
            if covariance is None:
                continue
            others = [k for k in range(g.dim()) if k != axis]
            covariance.lerp_(torch.tensordot(g, g, dims=[others, others]), 1 - self.beta2)

    def refresh(self, covariances, bases, v):
        for axis, (covariance, q) in enumerate(zip(covariances, bases)):
            if covariance is None:
                continue
            estimates = torch.diag(q.T @ covariance @ q)
            order = torch.argsort(estimates, descending=True)
            v = v.index_select(axis, order)
            bases[axis] = torch.linalg.qr(covariance @ q[:, order])[0]
        return v

    def step(self):
        gradients = self.gradients[self.calls % len(self.gradients)]
        self.calls += 1
        if self.bases is None:
            for g, covariances in zip(gradients, self.covariances):
                self.accumulate(g, covariances)
            # Ascending eigenvalues, turned round.
            self.bases = [[None if a is None else torch.linalg.eigh(a)[1].flip(1) for a in each] for each in self.covariances]
            return
        t = self.calls - 1
        rate = self.lr * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        for i, (p, g) in enumerate(zip(self.p, gradients)):
            bases = self.bases[i]
            projected = self.rotate(g, bases, 0)
            self.m[i].mul_(self.beta1).add_(projected, alpha=1 - self.beta1)
            self.v[i].mul_(self.beta2).add_(projected.square(), alpha=1 - self.beta2)
            direction = self.rotate(self.m[i] / self.v[i].sqrt().add_(self.epsilon), bases, 1)
            p.add_(direction, alpha=-rate)
            p.add_(p, alpha=-self.lr * self.decay)
            if p.dim() > 1:
                m = self.rotate(self.m[i], bases, 1)
                self.accumulate(g, self.covariances[i])
                if t % self.frequency == 0:
                    self.v[i] = self.refresh(self.covariances[i], bases, self.v[i])
                self.m[i] = self.rotate(m, bases, 0)


def soap(spec):
    shapes = spec["shapes"]
    return torch.no_grad()(PlainSoap(shapes, gradient_sets(shapes, spec["sets"]), spec["frequency"]).step)


def newton_schulz(spec):
    """Matrices by five quintic steps on Nesterov momentum, the rest by AdamW."""
    a, b, c = spec["coefficients"]
    matrices = [p.detach() for p in tensors([s for s in spec["shapes"] if len(s) == 2])]
    gradients = [torch.randn(p.shape) for p in matrices]
    momenta = [torch.zeros_like(p) for p in matrices]
    others = parameters([s for s in spec["shapes"] if len(s) != 2])
    rest = torch.optim.AdamW(others, lr=1e-3, weight_decay=0.01, foreach=True) if others else None

    def step():
        for p, g, m in zip(matrices, gradients, momenta):
            m.mul_(0.95).add_(g)
            update = g.add(m, alpha=0.95)
            tall = update.shape[0] > update.shape[1]
            x = update.T if tall else update
            x = x / (x.norm() + 1e-7)
            for _ in range(spec["steps"]):
                gram = x @ x.T
                x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
            p.mul_(1 - 1e-5)
            p.add_(x.T if tall else x, alpha=-1e-3 * 0.2 * max(p.shape) ** 0.5)
        if rest is not None:
            rest.step()

    return torch.no_grad()(step)


def polar(spec):
    """Five steps of x <- ax + (bA + cA^2)x with A = xx', from a matrix of norm 1."""
    a, b, c = spec["coefficients"]
    matrix = torch.randn(spec["shape"])

    def step():
        x = matrix / (matrix.norm() + 1e-7)
        for _ in range(spec["steps"]):
            gram = x @ x.T
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)

    return torch.no_grad()(step)


class PlainGgt:
    """GGT on the covariance of gradients, with Adam, the cautious mask and the normalisation by an average in its
    basis. The order of operations of the reference implementation: the history is a list of columns, stacked into a
    matrix in every step, and the basis is formed."""

    def __init__(self, d, history_size, gradients):
        self.x = torch.randn(d)
        self.gradients = gradients
        self.history_size = history_size
        self.history = gradients[:history_size]
        self.calls = history_size
        self.q = None
        self.t = 0
        self.m, self.v, self.ema = None, None, None
        self.lr, self.beta1, self.beta2, self.epsilon = 1e-2, 0.9, 0.99, 1e-8
        self.ema_beta, self.max_growth, self.min_norm = 0.99, 1.2, 1e-2
        self.tolerance = 1e-5

    def basis(self):
        m = torch.stack(self.history, dim=1)
        values, vectors = torch.linalg.eigh(m.T @ m)
        kept = torch.isfinite(values) & (values > self.tolerance * values.max())
        values, vectors = values[kept], vectors[:, kept]
        return m @ (vectors * values.rsqrt())

    def adam(self, u):
        self.m.lerp_(u, 1 - self.beta1)
        self.v.mul_(self.beta2).addcmul_(u, u, value=1 - self.beta2)
        root = (self.v / (1 - self.beta2**self.t)).sqrt_().add_(self.epsilon)
        return self.m / (1 - self.beta1**self.t) / root

    def normalize_by_ema(self, u, moved):
        tiny = 2 * torch.finfo(torch.float32).tiny
        before = None
        if moved:
            before = self.ema.norm()
            if before < self.min_norm:
                self.ema *= self.min_norm / before.clip(min=tiny)
                before = torch.tensor(self.min_norm)
        self.ema.lerp_(u, 1 - self.ema_beta)
        norm = self.ema.norm()
        if before is not None:
            excess = (norm / (self.max_growth * before).clip(min=self.min_norm)).clip(min=1)
            self.ema /= excess
            norm = norm / excess
        return u / (u.norm() / norm.clip(min=tiny)).clip(min=tiny)

    def step(self):
        g = self.gradients[self.calls % len(self.gradients)]
        self.calls += 1
        self.history.append(g)
        if len(self.history) > self.history_size:
            del self.history[0]
        q = self.basis()
        moved = self.q is not None
        if moved:
            c = q.T @ self.q
            self.m, self.v, self.ema = c @ self.m, c.square() @ self.v, c @ self.ema
        self.q = q
        p = q.T @ g
        if not moved:
            self.m, self.v = torch.zeros_like(p), torch.zeros_like(p)
        self.t += 1
        u = self.adam(p)
        u = u * (p * u > 0)
        if not moved:
            self.ema = 0.1 * u
        u = self.normalize_by_ema(u, moved)
        self.x.sub_(q @ u, alpha=self.lr)


def history_gradients(spec):
    """One more than the history keeps, so that the gradient that comes is never the one that goes."""
    return [torch.randn(spec["d"]) for _ in range(spec["historySize"] + 1)]


def ggt(spec):
    return torch.no_grad()(PlainGgt(spec["d"], spec["historySize"], history_gradients(spec)).step)


def lm_adagrad(spec):
    """Whitening by a thin SVD of the stacked history in every step, as the notebook of LM-Adagrad has it."""
    k, lr, epsilon = spec["historySize"], 1e-2, 1e-6
    gradients = history_gradients(spec)
    history = gradients[:k]
    w = torch.randn(spec["d"])
    calls = k

    def step():
        nonlocal calls
        g = gradients[calls % len(gradients)]
        calls += 1
        history.append(g)
        if len(history) > k:
            del history[0]
        u, s, _ = torch.linalg.svd(torch.stack(history, dim=1), full_matrices=False)
        s = (s**2 + epsilon).sqrt()
        w.sub_((u @ ((u.T @ g) / s)) * lr)

    return torch.no_grad()(step)


def linear_algebra(spec):
    n, kind = spec["n"], spec["kind"]
    if spec["library"] == "numpy":
        random = numpy.random.default_rng(0)
        a, b = (random.standard_normal((n, n)).astype(numpy.float32) for _ in range(2))
        gram = a @ a.T / numpy.float32(n)
        calls = {
            "matmul": lambda: a @ b,
            "eigh": lambda: numpy.linalg.eigh(gram),
            "eigh-f64": lambda wide=gram.astype(numpy.float64): numpy.linalg.eigh(wide),
            "qr": lambda: numpy.linalg.qr(a),
            "cholesky": lambda: numpy.linalg.cholesky(gram),
        }
    else:
        a, b = torch.randn(n, n), torch.randn(n, n)
        gram = a @ a.T / n
        calls = {
            "matmul": lambda: a @ b,
            "eigh": lambda: torch.linalg.eigh(gram),
            "eigh-f64": lambda wide=gram.double(): torch.linalg.eigh(wide),
            "qr": lambda: torch.linalg.qr(a),
            "cholesky": lambda: torch.linalg.cholesky(gram),
        }
    return calls[kind]


def copy(spec):
    source, target = torch.randn(spec["floats"]), torch.empty(spec["floats"])
    return lambda: target.copy_(source)


makers = {
    "adamw": adamw,
    "soap": soap,
    "newton-schulz": newton_schulz,
    "polar": polar,
    "ggt": ggt,
    "lm-adagrad": lm_adagrad,
    "linalg": linear_algebra,
    "copy": copy,
}


def libraries():
    """File names of the linear algebra libraries loaded into this process."""
    wanted = ("blas", "lapack", "mkl", "blis")
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split()[-1] for line in maps if "/" in line}
    except OSError:
        return []
    names = {os.path.basename(os.path.realpath(path)) for path in paths}
    return sorted(name for name in names if any(word in name.lower() for word in wanted) and not name.endswith(".py"))


def answer(question, tasks):
    if question.get("about"):
        return {"libraries": libraries()}
    task = question["task"]
    if "spec" in question:
        spec = question["spec"]
        if torch is not None:
            torch.manual_seed(0)
        tasks[task] = makers[spec["task"]](spec)
        return {"ready": True}
    if question.get("release"):
        tasks.pop(task, None)
        return {"released": True}
    step, iterations = tasks[task], question["iterations"]
    start = time.perf_counter()
    for _ in range(iterations):
        step()
    return {"seconds": (time.perf_counter() - start) / iterations}


def main():
    tasks = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), tasks)
        except Missing as why:
            reply = {"missing": str(why)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


main()
