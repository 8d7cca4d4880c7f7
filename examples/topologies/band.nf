nf 1

# Bands: each neuron reads those near it, on a line or round a ring.
#
# On a line, neighbours past either end do not exist: a set drops what lies outside of 0..<cols. On a
# ring they come in at the other end: `%` is floored, so (0 - 1) % n is the last of n neurons. `rows` and
# `cols` are the sizes of the place, in defaults too.

param inputs = 30
param outputs = 28
param reach = 3

mask near(r)[o, i] = abs(o - i) <= r
mask line(r)[o] = { o + step for step in -r..r }

# The distance round a ring is the shorter of both ways.
mask around(r, n=max(rows, cols))[o, i] = min((o - i) % n, (i - o) % n) <= r
mask ring(r, n=max(rows, cols))[o] = { (o + step) % n for step in -r..r }

network twins {
    input inputs
    open: sum {
        { standard: linear outputs via band(width=reach) }
        { predicate: linear outputs via near(reach) }
        { neighbour: linear outputs via line(reach) }
    }
    closed: sum {
        { standard: linear outputs via band(width=reach, wrap=true) }
        { predicate: linear outputs via around(reach) }
        { neighbour: linear outputs via ring(reach) }
    }
}

check twins {
    open.0.standard.digest == open.1.predicate.digest == open.2.neighbour.digest
    closed.0.standard.digest == closed.1.predicate.digest == closed.2.neighbour.digest
    closed.2.neighbour.fan_in.max == 2 * reach + 1
}
