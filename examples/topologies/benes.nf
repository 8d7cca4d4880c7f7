nf 1

# Beneš network: a butterfly, then its mirror without the middle stage again, 2k − 1 stages. Every
# permutation of the inputs can be routed by disjoint paths.
#
# The strides go up, 1, 2, …, n/2, and down again. Cascades of cascades are one cascade.

param width = 32

let k = log2(width)

mask stage(stride)[o, i] = o // (2 * stride) == i // (2 * stride) and o % stride == i % stride

topology up_and_down = cascade(s in 0..<k: stage(2**s)) >> cascade(s in 2..k: stage(2**(k - s)))

network twins {
    input width
    both: sum {
        { standard: linear width via benes(strict=true) }
        { written: linear width via up_and_down }
    }
}

check twins {
    both.0.standard.digest == both.1.written.digest
    both.1.written.factors == 2 * k - 1
    both.1.written.paths.min == width // 2
}
