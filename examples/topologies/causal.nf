nf 1

# Causal wiring: an output reads nothing that is later than itself. No standard topology has a direction.
#
# Three of the kind: all of the past, a window of it, and a few points of it, further apart the further
# back they lie.

param steps = 64
param window = 8

mask past[o, i] = i <= o
mask recent(w)[o, i] = o - w < i <= o
mask echoes[o] = { o } + { o - 2**age for age in 0..<log2(cols) }

network sequence {
    input steps
    all: linear steps via past
    near: linear steps via recent(window)
    sparse: linear steps via echoes
    far: linear steps via cascade(log2(steps), echoes)
}

check sequence {
    all.edges == steps * (steps + 1) // 2
    near.fan_in.max == window
    sparse.fan_in.max == log2(steps) + 1
    far.reach == (steps + 1) / (2 * steps) as "the past, and nothing else"
}
