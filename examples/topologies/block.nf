nf 1

# Blocks: neurons in groups, each group dense, no edge between two of them.
#
# `//` finds the group that a neuron is in. By size, groups hold `size` neurons; the standard topology
# takes multiples of it and is fitted elsewhere, the mask is the same question at any sizes. By count,
# both sides are cut into `count` groups as equal as can be, square or not.

param inputs = 40
param outputs = 36
param size = 8
param count = 5

mask by_size(s)[o, i] = o // s == i // s
mask by_count(c)[o, i] = o * c // rows == i * c // cols

# The neighbour form: the first input of the group, and the ones behind it.
mask group(s)[o] = { o // s * s + member for member in 0..<s }

network twins {
    input inputs
    of_a_size: sum {
        { standard: linear outputs via block(size=size) }
        { predicate: linear outputs via by_size(size) }
        { neighbour: linear outputs via group(size) }
    }
    of_a_number: sum {
        { standard: linear inputs via block(count=count) }
        { written: linear inputs via by_count(count) }
    }
}

check twins {
    of_a_size.0.standard.digest == of_a_size.1.predicate.digest == of_a_size.2.neighbour.digest
    of_a_number.0.standard.digest == of_a_number.1.written.digest
    of_a_size.1.predicate.fan_in.max <= size
}
