nf 1

# Butterfly with a radix of its own at each digit: a stage's stride is the product of the radices before
# it. Any width is a product of small numbers times something, so mixed radices reach more widths than
# powers do, and their order decides which neurons meet first.

param first = 4
param second = 3
param third = 5

let width = first * second * third

mask stage(stride, radix)[o, i] = o // (stride * radix) == i // (stride * radix) and o % stride == i % stride

topology mixed = stage(1, first) >> stage(first, second) >> stage(first * second, third)

network twins {
    input width
    both: sum {
        { standard: linear width via butterfly(radices=[first, second, third]) }
        { written: linear width via mixed }
    }
}

check twins {
    both.0.standard.digest == both.1.written.digest
    both.1.written.edges == width * (first + second + third)
    both.1.written.paths.min == 1
    both.1.written.paths.max == 1
}
