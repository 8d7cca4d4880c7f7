nf 1

# Monarch: a butterfly of two stages. Blocks of p neighbouring neurons first, then the neurons that have
# the same place in their blocks. All pairs meet once, with 2·n·√n edges where both radices are √n.

param short = 6
param long = 8

let width = short * long

mask lines(p)[o, i] = o // p == i // p
mask places(p)[o, i] = o % p == i % p

# The second stage is blocks again, between two transpositions of the array of places and lines, which
# cost no weights.
topology turned(p, q) = lines(p) >> permute("shuffle", radix=q) >> lines(q) >> permute("shuffle", radix=p)

network twins {
    input width
    both: sum {
        { standard: linear width via monarch(strict=true) }
        { written: linear width via lines(short) >> places(short) }
        { shuffled: linear width via turned(short, long) }
    }
}

check twins {
    both.0.standard.digest == both.1.written.digest == both.2.shuffled.digest
    both.1.written.paths.max == 1
    both.1.written.connected
}
