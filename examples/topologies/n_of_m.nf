nf 1

# N:M, the fixed kind: n inputs of each group of m, by a rule that repeats instead of by chance. The
# standard `n_of_m` draws them, and no mask can: there is no chance in a mask.
#
# The rule turns from output to output, so that inputs are read equally often.

param inputs = 32
param outputs = 24
param some = 2
param of = 4

mask periodic(n, m)[o, i] = (i - o) % m < n
mask chosen(n, m)[o] = { (o + place) % m + group * m for group in 0..<cols // m for place in 0..<n }

# The same m × m pattern everywhere: a Kronecker product of a dense matrix with it.
mask pattern(n)[o] = { (o + place) % cols for place in 0..<n }

network rules {
    input inputs
    all: sum {
        { predicate: linear outputs via periodic(some, of) }
        { neighbour: linear outputs via chosen(some, of) }
        { product: linear outputs via kron(dense, pattern(some), size=of) }
        { drawn: linear outputs via n_of_m(some, of) }
    }
}

check rules {
    all.0.predicate.digest == all.1.neighbour.digest == all.2.product.digest
    all.0.predicate.digest != all.3.drawn.digest
    all.0.predicate.edges == all.3.drawn.edges
    all.0.predicate.fan_in.max == inputs // of * some
    all.0.predicate.fan_out.min == all.0.predicate.fan_out.max
}
