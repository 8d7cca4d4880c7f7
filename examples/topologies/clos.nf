nf 1

# Clos: three stages of switches. Ingress switch x // m has a line to every middle switch, and every middle
# switch one to each egress switch, so each pair of neurons has a path through every middle switch.
#
# r is the number of ingress switches, cols // m; line y is r · (middle switch) + (ingress switch). Indices
# may have any names: here x is a neuron outside, y a line inside. With as many middle switches as an
# ingress switch has inputs, lines are as many as neurons. Other numbers of middle switches need a width
# inside that a mask cannot set; the standard topology has them as `middle=`.

param width = 48
param inputs = 6

mask ingress(m)[y, x] = y % (cols // m) == x // m
mask exchange(m)[o, i] = o // (cols // m) == i // (cols // m)
mask egress(m)[x, y] = y % (rows // m) == x // m

topology switches(m) = ingress(m) >> exchange(m) >> egress(m)

# The way out is the way in, read backwards.
topology mirrored(m) = ingress(m) >> exchange(m) >> transpose(ingress(m))

network twins {
    input width
    both: sum {
        { standard: linear width via clos(inputs=inputs, strict=true) }
        { written: linear width via switches(inputs) }
        { turned: linear width via mirrored(inputs) }
    }
}

check twins {
    both.0.standard.digest == both.1.written.digest == both.2.turned.digest
    both.1.written.paths.min == inputs
    both.1.written.paths.max == inputs
}
