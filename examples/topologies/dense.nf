nf 1

# Dense, and dense through a bottleneck.
#
# A mask is a question asked of every pair: does output o read input i? Here the answer is always yes.
# A mask takes the sizes of the place where it stands. Only `dense(width=)` and `random(width=)` set a
# width of their own, so a bottleneck is made with one of them.

param inputs = 24
param outputs = 40
param rank = 5

mask full[o, i] = true

network twins {
    input inputs
    matrix: sum {
        { standard: linear outputs via dense }
        { written: linear outputs via full }
    }
    bottleneck: sum {
        { standard: linear inputs via lowrank(rank) }
        { written: linear inputs via dense(width=rank) >> full }
    }
}

check twins {
    matrix.0.standard.digest == matrix.1.written.digest
    bottleneck.0.standard.digest == bottleneck.1.written.digest
    bottleneck.1.written.paths.max == rank
}
