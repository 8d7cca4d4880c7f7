# mypy: ignore-errors
# PyTorch is not type-checked here, and what is emitted carries no comments for the type checker.
"""Products with 2:4 matrices in emitted modules, on GPUs whose tensor cores multiply them.

`nfc.backends.torch_library` reads this file as text; of nfc it may use other helpers alone, and
lines stay under 100 characters, which is how emitted files are formatted.

PyTorch packs such a matrix as its kept numbers, row by row, and metadata that say where they lie.
The numbers are the weight as it is, and the metadata are made once.
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
    if traced(x) or transformed() or not (on_gpu(x) and x.numel()) or x.dtype == torch.float64:
        return None
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    return dtype if dtype in (torch.float16, torch.bfloat16) else None


def on_gpu(x: Tensor) -> bool:
    return x.is_cuda


class Packings:
    """How numbers at the places of a 2:4 matrix are packed, for each type."""

    def __init__(self, places: Tensor, shape: tuple[int, int]):
        self.places = places
        self.shape = shape
        self.made: dict = {}

    def of(self, dtype: torch.dtype):
        """The first form that this device multiplies; None if there is none."""
        if dtype not in self.made:
            if self.places.is_cuda and torch.cuda.is_current_stream_capturing():  # nothing can be tried
                return None
            kinds = (
                torch.sparse.SparseSemiStructuredTensorCUSPARSELT,
                torch.sparse.SparseSemiStructuredTensorCUTLASS,
            )
            tried = (self.tried(kind, dtype) for kind in kinds)
            self.made[dtype] = next((packing for packing in tried if packing is not None), None)
        return self.made[dtype]

    @torch.inference_mode(False)
    @torch.no_grad()
    def tried(self, kind, dtype: torch.dtype):
        """A form; None where a product with other numbers than it was made with fails or is wrong.

        What a version of PyTorch was built with does not tell which of its kernels a device runs.
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
                packing = Packing(kind.from_dense(spread(numbers, self.places, self.shape)))
                found = F.linear(x, packing.of(others)).float()
                expected = F.linear(x, spread(others, self.places, self.shape)).float()
                right = bool((found - expected).abs().max() <= 0.02 * expected.abs().max())
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            return None
        return packing if right else None

    def __getstate__(self):
        return {**self.__dict__, "made": {}}


class Packing:
    """A form of semi-structured matrices: all but their numbers.

    CUTLASS has the metadata beside the numbers, cuSPARSELt behind them.
    """

    def __init__(self, matrix):
        rows, columns = self.shape = matrix.shape
        self.kind = type(matrix)
        self.packed_shape = matrix.packed.shape
        self.beside = matrix.meta is not None
        behind = matrix.packed.flatten()[rows * columns // 2 :]
        self.metadata = matrix.meta if self.beside else behind.clone()

    def of(self, numbers: Tensor):
        """The matrix with these numbers at its places, in their order."""
        packed = numbers.flatten()
        packed = packed if self.beside else torch.cat([packed, self.metadata])
        metadata = self.metadata if self.beside else None
        return self.kind(self.shape, packed.view(self.packed_shape), metadata, None, None, None)


class SemiStructuredProduct(torch.autograd.Function):
    """x Wᵀ for a 2:4 matrix's weights and x [batch, inputs], both in one half precision.

    Gradients take the dense matrix, that of the weight the product of which it keeps half.
    """

    @staticmethod
    def forward(ctx, weight, x, places, packing):
        ctx.shape = packing.shape
        ctx.save_for_backward(weight, x, places)
        # The kernels would read rows of a wider matrix as if they were side by side.
        return F.linear(x.contiguous(), packing.of(weight))

    @staticmethod
    def backward(ctx, gradient):
        weight, x, places = ctx.saved_tensors
        of_weight = of_x = None
        if ctx.needs_input_grad[0]:
            of_weight = (gradient.t() @ x).flatten().index_select(0, places).view(weight.shape)
        if ctx.needs_input_grad[1]:
            of_x = gradient @ spread(weight, places, ctx.shape)
        return of_weight, of_x, None, None
