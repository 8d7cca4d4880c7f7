nf 1

# RadiX-Net: circulants whose shifts are the digits of a mixed-radix number, copied side by side where the
# widths are multiples of n, the product of the radices.
#
# A layer joins o and i where (o - i) mod n is one of 0, v, 2·v, …, (r − 1)·v, r being its radix and v the
# product of the radices before it. Every number below n is one sum of such shifts, so all pairs have the
# same number of paths.

param inputs = 24
param outputs = 36
param first = 3
param second = 4

mask layer(n, v, r)[o, i] = (o - i) % n % v == 0 and (o - i) % n < r * v
mask reads(n, v, r)[o] = { (o - digit * v) % n + copy * n for digit in 0..<r for copy in 0..<cols // n }

# Copies side by side are a dense outer pattern with the circulant in the place of each edge.
mask turns(v, r)[o] = { (o - digit * v) % cols for digit in 0..<r }
topology copied(n, v, r) = kron(dense, turns(v, r), size=n)

topology by_predicate(a, b) = layer(a * b, 1, a) >> layer(a * b, a, b)
topology by_neighbours(a, b) = reads(a * b, 1, a) >> reads(a * b, a, b)
topology by_product(a, b) = copied(a * b, 1, a) >> copied(a * b, a, b)

network twins {
    input inputs
    both: sum {
        { standard: linear outputs via radix_net(systems=[[first, second]]) }
        { predicate: linear outputs via by_predicate(first, second) }
        { neighbour: linear outputs via by_neighbours(first, second) }
        { product: linear outputs via by_product(first, second) }
    }
}

check twins {
    both.0.standard.digest == both.1.predicate.digest
    both.1.predicate.digest == both.2.neighbour.digest == both.3.product.digest
    both.1.predicate.paths.min == inputs // (first * second)
    both.1.predicate.paths.max == inputs // (first * second)
}
