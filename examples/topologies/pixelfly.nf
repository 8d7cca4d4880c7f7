nf 1

# Pixelfly: a block butterfly flattened to one factor. Blocks meet whose numbers differ in one of the
# lowest `levels` bits at most; a low-rank term, the other branch of a sum, joins all the rest.
#
# The predicate asks how many bits differ and whether they are low ones. With `kron` the whole pattern is
# the hypercube of the blocks, dense inside.

param inputs = 64
param outputs = 64
param group = 4
param levels = 3
param rank = 2
param bits = 4

mask flat(g, k)[o, i] = popcount(o // g xor i // g) <= 1 and (o // g xor i // g) < 2**k
mask corners[o] = { o } + { o xor 2**bit for bit in 0..<log2(cols) }

network cut {
    input inputs
    both: sum {
        { standard: linear outputs via pixelfly(block=group, stages=levels, rank=rank) }
        { written: linear outputs via flat(group, levels) + lowrank(rank) }
    }
}

network whole {
    input 2**bits * group
    both: sum {
        { standard: linear 2**bits * group via pixelfly(block=group, strict=true) }
        { product: linear 2**bits * group via kron(corners, dense, size=group) }
    }
}

check cut {
    both.0.standard.digest == both.1.written.digest
    both.1.written.connected
}

check whole {
    both.0.standard.digest == both.1.product.digest
}
