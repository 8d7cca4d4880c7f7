# Compiled from minimal.nf by nfc 0.1.0.
# The source's digest is sha256:8b5300bf3ebfc054176a74200704d3cfdc1f75a7f9bbd3c1681e220c89b5ef1b.

import math

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """A module whose state dict carries the digest of its topology, so that weights fit or fail."""

    topology_digest: str

    def __init__(self):
        super().__init__()
        self.register_load_state_dict_pre_hook(require_digest)

    def get_extra_state(self) -> Tensor:
        return torch.tensor(list(self.topology_digest.encode()), dtype=torch.uint8, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        found = bytes(state.to(torch.uint8).tolist()).decode(errors="replace")
        if found != self.topology_digest:
            raise RuntimeError(
                f"these weights belong to another topology: {type(self).__name__} "
                f"has {self.topology_digest}, but the state dict has {found}"
            )


def require_digest(module: Network, state_dict: dict, prefix: str, *others) -> None:
    """Refuse a state dict without the digest of its topology, with strict=False too."""
    key = f"{prefix}_extra_state"
    if key in state_dict:
        return
    ends = (name.removesuffix(key) for name in state_dict if name.endswith(f".{key}"))
    wrapper = next(ends, "")
    if wrapper and all(name.startswith(wrapper) for name in state_dict):
        raise RuntimeError(
            f"the keys of the state dict start with {wrapper}, which a wrapper of the module adds: "
            f'strip it, as in {{key.removeprefix("{wrapper}"): value for key, value in ...}}'
        )
    raise RuntimeError(
        f"the state dict does not say its topology, as it has no key {key}: "
        f"{type(module).__name__} has {module.topology_digest}; "
        "if the weights are known to fit, add get_extra_state() of the module under that key"
    )


class Draws:
    """Initial weights, the same on every machine: a stream of random numbers for each weight.

    They are computed in float64 on the CPU and rounded once.
    """

    def __init__(self, network: nn.Module, seed: int):
        self.network = network
        self.seed = seed
        self.stream = 0

    def weight(self, name: str) -> Tensor:
        """A parameter; the entries of a convolution's kernels stand side by side on its last axis."""
        weight = self.network.get_parameter(name)
        module = self.network.get_submodule(name.rpartition(".")[0])
        return weight.flatten(-3) if hasattr(module, "kernel_size") else weight

    def orthogonal(self, name: str, std: float | Tensor) -> None:
        """A weight of blocks [..., height, width] with orthonormal rows or columns, times `std`."""
        weight = self.weight(name)
        weight.copy_(std * self.blocks(weight.shape))

    def blocks(self, shape: tuple[int, ...]) -> Tensor:
        """Blocks of the next stream, evenly distributed (Haar), [..., height, width]."""
        return orthonormal(self.normal(math.prod(shape)), shape)

    def normal(self, count: int) -> Tensor:
        """Standard normal numbers of the next stream, by Box and Muller."""
        u = self.numbers(2 * ((count + 1) // 2)).view(-1, 2)
        radius, angle = torch.sqrt(-2.0 * torch.log(u[:, 0])), 2.0 * math.pi * u[:, 1]
        pairs = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
        return pairs.flatten()[:count]

    def numbers(self, count: int) -> Tensor:
        """Numbers of the next stream, in (0, 1)."""
        self.stream += 1
        return philox(self.seed, self.stream - 1, count)


def orthonormal(numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Blocks [..., height, width] with orthonormal rows or columns of standard normal numbers."""
    height, width = shape[-2:]
    blocks, upper = torch.linalg.qr(numbers.view(-1, max(height, width), min(height, width)))
    blocks = blocks * torch.where(upper.diagonal(dim1=1, dim2=2) < 0.0, -1.0, 1.0)[:, None]
    return (blocks if height >= width else blocks.mT).reshape(shape)


def philox(seed: int, stream: int, count: int) -> Tensor:
    """`count` numbers in (0, 1), float64, by Philox4x32-10 (Salmon et al., SC 2011).

    The key is the seed; block k of four numbers has the counter (k, stream), both of 64 bits.
    """
    low = 0xFFFFFFFF
    block = torch.arange((count + 3) // 4, device="cpu")
    c0, c1 = block & low, block >> 32
    c2, c3 = torch.full_like(c0, stream & low), torch.full_like(c0, (stream >> 32) & low)
    k0, k1 = seed & low, (seed >> 32) & low
    for _ in range(10):
        high0, low0 = multiply(0xD2511F53, c0)
        high1, low1 = multiply(0xCD9E8D57, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    words = torch.stack([c0, c1, c2, c3], dim=1).flatten()[:count]
    return (words.double() + 0.5) * 2.0**-32


def multiply(constant: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """The high and the low 32 bits of a product of 32-bit numbers, within int64."""
    low, high = constant * (x & 0xFFFF), constant * (x >> 16)
    return (high + (low >> 16)) >> 16, (low + ((high & 0xFFFF) << 16)) & 0xFFFFFFFF


class LearningRates:
    """How fast a module's parameters learn and decay, as multiples of what suits dense layers.

    Parameters that are not set learn at the rate as it is; matrices among them decay, vectors
    (biases, scales and shifts) do not.
    """

    def __init__(self, module: nn.Module):
        self.module = module
        self.multiples: dict[nn.Parameter, tuple[float, float]] = {}

    def set(self, name: str, rate: float, decay: float) -> None:
        """A factor's rate, and its share of the decay of the matrix that it is a factor of."""
        weight = dict(self.module.named_parameters(remove_duplicate=False)).get(name)
        if weight is None:
            raise TypeError(f"{name} is no parameter; take parametrizations and pruning off before")
        # Optimizers multiply the decay by the rate of its group.
        self.multiples[weight] = (rate, decay / rate)

    def groups(self, lr: float, weight_decay: float) -> list[dict]:
        """An optimizer's groups: every parameter once, those with the same multiples together."""
        found: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.module.parameters():
            default = (1.0, 1.0 if parameter.ndim > 1 else 0.0)
            found.setdefault(self.multiples.get(parameter, default), []).append(parameter)
        return [
            {"params": parameters, "lr": lr * rate, "weight_decay": weight_decay * decay}
            for (rate, decay), parameters in found.items()
        ]


class Minimal(Network):
    """Input [batch, 4], output [batch, 3].

    `seed` fixes the initial weights; PyTorch's generator has no part in them.
    """

    topology_digest = "sha256:a2ec2e2f9f7f664d2239d77305665ef936028363d3cc7dfe7b087d974def1507"

    def __init__(self, seed: int = 0):
        super().__init__()
        self.linear1 = nn.Linear(4, 3)
        self.reset_parameters(seed)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear1(x)

    @torch.no_grad()
    def reset_parameters(self, seed: int = 0) -> None:
        """Set the weights of `seed`, biases to 0."""
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
        draw = Draws(self, seed)
        draw.orthogonal("linear1.weight", std=1.0)

    def parameter_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict]:
        """Groups for AdamW and its like; `lr` and `weight_decay` are those that suit dense layers."""
        return LearningRates(self).groups(lr, weight_decay)
