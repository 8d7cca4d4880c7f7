nf 1

# Tori in one, two and three dimensions: each neuron reads itself and the next one both ways along each
# axis, and axes close to rings.
#
# Neuron number x has coordinate x // stride % side along the axis of stride 1, side, side², … Moving
# along an axis is taking that coordinate's part out of the number and putting another one in. The rule
# holds at any sizes up to side^dims: inputs past the last one are dropped.

param side = 4
param inputs = side**3
param outputs = inputs

mask mesh(dims, s)[o] = {
    o - o // s**axis % s * s**axis + (o // s**axis + step) % s * s**axis
    for axis in 0..<dims
    for step in -1..1
}

# With the algebra: a ring inside of each row, and rows joined in a ring. One edge, one weight.
mask ring[o] = { (o + step) % cols for step in -1..1 }
topology sheet(s) = kron(diagonal, ring, size=s) | kron(ring, diagonal, size=s)

network twins {
    input inputs
    three: sum {
        { standard: linear outputs via torus(dims=3) }
        { written: linear outputs via mesh(3, side) }
    }
    pad side**3
    one: sum {
        { standard: linear side**3 via torus(dims=1, strict=true) }
        { written: linear side**3 via mesh(1, side**3) }
    }
    crop side**2
    two: sum {
        { standard: linear side**2 via torus(dims=2, strict=true) }
        { written: linear side**2 via mesh(2, side) }
        { joined: linear side**2 via sheet(side) }
    }
    deep: sum {
        { standard: linear side**2 via torus(dims=2, depth=3, strict=true) }
        { written: linear side**2 via cascade(3, mesh(2, side)) }
    }
}

check twins {
    one.0.standard.digest == one.1.written.digest
    two.0.standard.digest == two.1.written.digest == two.2.joined.digest
    three.0.standard.digest == three.1.written.digest
    deep.0.standard.digest == deep.1.written.digest
}
