# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products with 2:4 matrices in emitted modules, on GPUs whose tensor cores multiply them.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.

PyTorch packs such a matrix as its kept numbers, row by row, and metadata that say where they lie.
Here numbers are the weight as it is and metadata are constant, so that nothing is packed at a step.
"""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from nfc.backends.torch_helpers_inputs import traced, transformed
from nfc.backends.torch_helpers_products import spread
from nfc.backends.torch_helpers_sparse import ScatteredNeighbourLinear


class SemiStructuredLinear(ScatteredNeighbourLinear):
    """Two of every four consecutive inputs for every output, which is a 2:4 matrix.

    In half precision GPUs multiply it as such; all else goes by way of a dense matrix.
    """

    def place_tables(self) -> None:
        super().place_tables()
        self.packings = Packings(self.places, (self.out_features, self.in_features))

    def product(self, x: Tensor) -> Tensor:
        dtype = half_precision(x)
        # `torch.func.functional_call` may set other places for a call.
        known = dtype is not None and self.packings.places is self.places
        packing = self.packings.of(dtype) if known else None
        if packing is None:
            return super().product(x)
        weight, x = self.weight.to(dtype), x.t().to(dtype)
        return SemiStructuredProduct.apply(weight, x, self.packings.places, packing).t()


def half_precision(x: Tensor):
    """The type in which semi-structured kernels would multiply x, or None if they cannot."""
    if traced(x) or transformed() or not (x.is_cuda and x.numel()):
        return None
    dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else x.dtype
    return dtype if dtype in (torch.float16, torch.bfloat16) else None


class Packings:
    """A 2:4 matrix of numbers at some places in the form of PyTorch's kernels, for each type."""

    def __init__(self, places: Tensor, shape: tuple[int, int]):
        self.places = places
        self.shape = shape
        self.made: dict = {}

    def of(self, dtype: torch.dtype):
        """The matrix in the first form that this device multiplies; None if there is none."""
        if dtype not in self.made:
            kinds = (
                torch.sparse.SparseSemiStructuredTensorCUSPARSELT,
                torch.sparse.SparseSemiStructuredTensorCUTLASS,
            )
            tried = (self.tried(kind, dtype) for kind in kinds)
            self.made[dtype] = next((matrix for matrix in tried if matrix is not None), None)
        return self.made[dtype]

    @torch.inference_mode(False)
    @torch.no_grad()
    def tried(self, kind, dtype: torch.dtype):
        """The matrix in a form; None where products with other numbers put in fail or are wrong.

        No version of PyTorch tells otherwise which of its kernels a device runs.
        """
        device = self.places.device
        draws = torch.Generator(device).manual_seed(0)
        numbers, others, x = (
            torch.randn(size, generator=draws, device=device).to(dtype)
            for size in (len(self.places), len(self.places), (64, self.shape[1]))
        )
        try:
            with torch.autocast(device.type, enabled=False), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch says that its interface is a prototype
                matrix = kind.from_dense(spread(numbers, self.places, self.shape))
                found = F.linear(x, with_numbers(matrix, others)).float()
                expected = F.linear(x, spread(others, self.places, self.shape)).float()
        except RuntimeError:
            return None
        return matrix if (found - expected).abs().max() <= 0.02 * expected.abs().max() else None

    def __getstate__(self):
        return {**self.__dict__, "made": {}}


def with_numbers(matrix, numbers: Tensor):
    """A semi-structured matrix with other numbers at its places, in their order."""
    metadata = matrix.meta
    if metadata is None:  # they lie behind the numbers
        metadata = matrix.packed.flatten()[numbers.numel() :]
        packed = torch.cat([numbers.flatten(), metadata]).view(matrix.packed.shape)
        return type(matrix)(matrix.shape, packed, None, None, None, None)
    return type(matrix)(matrix.shape, numbers.view(matrix.packed.shape), metadata, None, None, None)


class SemiStructuredProduct(torch.autograd.Function):
    """x Wᵀ for a 2:4 matrix's weights and x [batch, inputs], both in one half precision."""

    @staticmethod
    def forward(ctx, weight, x, places, packing):
        ctx.shape = packing.shape
        ctx.save_for_backward(weight, x, places)
        # The kernels would read rows of a wider matrix as if they were side by side.
        return F.linear(x.contiguous(), with_numbers(packing, weight.contiguous()))

    @staticmethod
    def backward(ctx, gradient):
        weight, x, places = ctx.saved_tensors
        of_weight = of_x = None
        if ctx.needs_input_grad[0]:
            of_weight = (gradient.t() @ x).flatten().index_select(0, places).view(weight.shape)
        if ctx.needs_input_grad[1]:
            of_x = gradient @ spread(weight, places, ctx.shape)
        return of_weight, of_x, None, None
