"""Products of a fabric with batches of vectors, and their gradients, in NumPy.

Vectors are columns: x is [cols, batch], y = W x is [rows, batch]. The weights of a fabric are a list
of arrays, one a factor in written order (`nfc.ir.fabric.factors`), each [edges] in CSR order. Float32
and float64 both work; all arrays of one call have one of them.

    product = FabricProduct(fabric)
    flat = np.empty(product.edges, np.float32)
    weights = product.split(flat)                     # views, so one update of `flat` moves them all
    y, tape = product.forward(weights, x)
    gradients, of_input = product.backward(weights, tape, of_output)

No rows × cols matrix is built where the edges are few: `Kron`, `Blocks` and `Restricted` are batched
matrix products on views, all else is a sparse product whose weight gradient is taken at the edges,
in slices of bounded size. Objects hold index tables and buffers of their own: one thread each.
"""

from nfc.analysis.products.fabric import FabricProduct, Tape
from nfc.analysis.products.factors import FactorProduct, factor_product

__all__ = ["FabricProduct", "FactorProduct", "Tape", "factor_product"]
