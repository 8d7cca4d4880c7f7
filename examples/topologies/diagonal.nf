nf 1

# Diagonal: each neuron reads the one of its own number, a scale a neuron.
#
# Three ways to say it. The predicate asks every pair, rows × cols questions. The neighbour form names
# what an output reads, one element an output. The third one scales instead of comparing, so it has an
# edge for every output at any sizes, where the standard one has the square's.

param width = 48

mask same[o, i] = o == i
mask itself[o] = { o }
mask stretched[o] = { o * cols // rows }

network twins {
    input width
    both: sum {
        { standard: linear width via diagonal }
        { predicate: linear width via same }
        { neighbour: linear width via itself }
        { scaled: linear width via stretched }
    }
    wider: linear 3 * width via stretched
}

check twins {
    both.0.standard.digest == both.1.predicate.digest == both.2.neighbour.digest == both.3.scaled.digest
    wider.edges == 3 * width
    wider.fan_in.max == 1
    wider.fan_out.min == 3
}
