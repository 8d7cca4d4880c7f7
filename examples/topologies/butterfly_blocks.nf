nf 1

# Block butterfly: a butterfly between groups of neurons, in which every edge is a dense block. Hardware
# multiplies blocks faster than single edges.
#
# kron(outer, inner, size=s) puts `inner`, s × s, in the place of each edge of `outer`; inside of it
# `rows` and `cols` are the sizes of the part. Written as one predicate, // finds the group first.

param width = 64
param group = 4

mask stage(stride)[o, i] = o // (2 * stride) == i // (2 * stride) and o % stride == i % stride

mask grouped(stride, g)[o, i] =
    o // g // (2 * stride) == i // g // (2 * stride) and o // g % stride == i // g % stride

topology by_product(g) = cascade(s in 0..<log2(cols // g): kron(stage(2**s), dense, size=g))
topology by_predicate(g) = cascade(s in 0..<log2(cols // g): grouped(2**s, g))

network twins {
    input width
    both: sum {
        { standard: linear width via butterfly(block=group, strict=true) }
        { product: linear width via by_product(group) }
        { predicate: linear width via by_predicate(group) }
    }
}

check twins {
    both.0.standard.digest == both.1.product.digest == both.2.predicate.digest
    both.1.product.fan_in.max == 2 * group
}
