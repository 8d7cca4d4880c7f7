nf 1

# Kronecker products: kron(outer, inner, size=s) puts `inner`, s × s, in the place of each edge of `outer`.
#
# Much that looks new is a product of two things that are not: blocks, grids, channels beside places.

param width = 64
param size = 8

mask ring[o] = { (o + step) % cols for step in -1..1 }

topology blocks(s) = kron(diagonal, dense, size=s)  # groups, each dense
topology lanes(s) = kron(dense, diagonal, size=s)  # every group's k-th neuron with every other's
topology channels(s) = kron(ring, dense, size=s)  # neighbouring places, all of their channels

mask same_lane(s)[o, i] = o % s == i % s

network products {
    input width
    tiles: sum {
        { standard: linear width via block(size=size) }
        { product: linear width via blocks(size) }
    }
    strided: sum {
        { predicate: linear width via same_lane(size) }
        { product: linear width via lanes(size) }
    }
    image: linear width via channels(size)
    mixed: linear width via blocks(size) >> lanes(size)
}

check products {
    tiles.0.standard.digest == tiles.1.product.digest
    strided.0.predicate.digest == strided.1.product.digest
    image.fan_in.max == 3 * size
    mixed.paths.min == 1
    mixed.paths.max == 1
}
