nf 1

# Shuffle-exchange: the same stage again and again. In base `radix`, output o reads the numbers that have
# o's digits but the last one, behind any new first digit: what was high moves down, a digit a stage.

param width = 81
param radix = 3

let stages = log(width, radix)

mask exchange(r)[o, i] = o // r == i % (cols // r)
mask moved(r)[o] = { o // r + digit * (cols // r) for digit in 0..<r }

network twins {
    input width
    both: sum {
        { standard: linear width via shuffle_exchange(radix=radix, strict=true) }
        { predicate: linear width via cascade(stages, exchange(radix)) }
        { neighbour: linear width via cascade(stages, moved(radix)) }
    }
    twice: sum {
        { standard: linear width via shuffle_exchange(radix=radix, depth=2 * stages, strict=true) }
        { written: linear width via cascade(2 * stages, exchange(radix)) }
    }
}

check twins {
    both.0.standard.digest == both.1.predicate.digest == both.2.neighbour.digest
    both.1.predicate.paths.max == 1
    twice.0.standard.digest == twice.1.written.digest
    twice.1.written.paths.min == width
}
