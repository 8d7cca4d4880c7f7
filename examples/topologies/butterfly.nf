nf 1

# Butterfly: write numbers in base `radix`; stage s joins those that differ in digit s alone. After all
# digits had their turn every input has reached every output, by exactly one path.
#
# A mask is one factor, so a stage is a mask and the butterfly a cascade of them. A stage of stride
# radix^s asks whether two numbers agree above digit s, after // (stride · radix), and below it, after
# % stride.

param width = 64
param radix = 2

mask stage(stride, r)[o, i] = o // (stride * r) == i // (stride * r) and o % stride == i % stride

# The neighbour form takes digit s out and puts every digit in.
mask digits(stride, r)[o] = { o - o // stride % r * stride + digit * stride for digit in 0..<r }

topology by_predicate(r) = cascade(s in 0..<log(cols, r): stage(r**s, r))
topology by_neighbours(r) = cascade(s in 0..<log(cols, r): digits(r**s, r))

# A stage without a mask: dense between places a stride apart, and that again in every block of digits.
topology crossing(stride, r) = kron(diagonal, kron(dense, diagonal, size=stride), size=stride * r)

network twins {
    input width
    whole: sum {
        { standard: linear width via butterfly(radix=radix, strict=true) }
        { predicate: linear width via by_predicate(radix) }
        { neighbour: linear width via by_neighbours(radix) }
    }
    second: sum {
        { predicate: linear width via stage(radix, radix) }
        { product: linear width via crossing(radix, radix) }
    }
}

check twins {
    whole.0.standard.digest == whole.1.predicate.digest == whole.2.neighbour.digest
    second.0.predicate.digest == second.1.product.digest
    whole.1.predicate.paths.min == 1
    whole.1.predicate.paths.max == 1
}
