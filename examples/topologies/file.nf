nf 1

# Wiring from a file: a matrix of zeros and ones, rows the outputs, columns the inputs, of exactly the
# place's sizes. `.npz`, `.npy`, `.safetensors` and Matrix Market's `.mtx` are read.
#
# petersen.mtx lists Petersen's graph: a ring of five, a star of five, and five spokes. As a mask it is the
# same factor, by its digest. Both take part in the algebra and in products like any other topology.

mask petersen[o] =
    { o // 5 * 5 + (o + step) % 5 for step in [-1, 1] if o < 5 } +
    { o // 5 * 5 + (o + step) % 5 for step in [-2, 2] if o >= 5 } +
    { (o + 5) % 10 }

network graph {
    input 10
    both: sum {
        { read: linear 10 via file("petersen.mtx") }
        { written: linear 10 via petersen }
    }
    hops: linear 10 via cascade(2, file("petersen.mtx") | diagonal)
    pad 40
    wide: linear 40 via kron(file("petersen.mtx"), dense, size=4)
}

check graph {
    both.0.read.digest == both.1.written.digest
    both.0.read.fan_in.max == 3
    hops.connected as "the graph has diameter 2"
    wide.fan_in.max == 12
}
