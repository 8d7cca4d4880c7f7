nf 1

# Circulants: every output reads the same pattern, turned by its own number. A convolution on a ring is one.
#
# A parameter may be a list: `for shift in shifts`. However a circulant is written, nfc finds its shifts
# again and keeps them as a few numbers.

param width = 60

mask turned(shifts)[o] = { (o + shift) % cols for shift in shifts }
mask doubling[o, i] = (i - o) % cols in [0, 1, 2, 4, 8, 16]

network twins {
    input width
    ring: sum {
        { standard: linear width via band(2, wrap=true) }
        { written: linear width via turned([-2, -1, 0, 1, 2]) }
    }
    powers: sum {
        { predicate: linear width via doubling }
        { neighbour: linear width via turned([0, 1, 2, 4, 8, 16]) }
    }
}

check twins {
    ring.0.standard.digest == ring.1.written.digest
    powers.0.predicate.digest == powers.1.neighbour.digest
    powers.0.predicate.fan_out.min == 6
    powers.0.predicate.fan_out.max == 6
}
