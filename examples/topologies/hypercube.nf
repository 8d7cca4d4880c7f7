nf 1

# Hypercube: neurons whose numbers differ in one bit at most.
#
# As a predicate, `xor` marks the bits that differ and `popcount` counts them. As neighbours, a neuron
# reads itself and the numbers with one of its bits turned over. Both say the same; the neighbour form
# costs k + 1 steps an output instead of 2^k, and is the one to use at a million neurons.

param inputs = 64
param outputs = 64
param depth = 2

let bits = ceil(log2(max(inputs, outputs)))

mask differ[o, i] = popcount(o xor i) <= 1
mask turned(k)[o] = { o } + { o xor 2**bit for bit in 0..<k }

network twins {
    input inputs
    one: sum {
        { standard: linear outputs via hypercube }
        { predicate: linear outputs via differ }
        { neighbour: linear outputs via turned(bits) }
    }
    pad 2**bits
    deep: sum {
        { standard: linear 2**bits via hypercube(depth=depth, strict=true) }
        { written: linear 2**bits via cascade(depth, turned(bits)) }
    }
}

check twins {
    one.0.standard.digest == one.1.predicate.digest == one.2.neighbour.digest
    deep.0.standard.digest == deep.1.written.digest
    deep.1.written.fan_in.max == bits + 1
}
