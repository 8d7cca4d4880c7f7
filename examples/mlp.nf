nf 1

# A perceptron for digits whose first layer looks through windows: a mask of one's own, in the place of a table
# of indices. The hidden layers have every input reach every output by two paths.

param side = 28  # rows and columns of the image
param grid = 16  # rows and columns of windows, each of which has one neuron
param window = 7  # rows and columns of pixels in a window
param layers = 2
let width = grid * grid

# The first row or column of window k, such that windows 0 and grid - 1 touch the image's edges.
# A pixel is row * side + column, so what output `o` reads is a set of such numbers: it costs its edges alone.
mask windows[o] = {
    (o // grid * (side - window) // (grid - 1) + row) * side +
        o % grid * (side - window) // (grid - 1) +
        column
    for row in 0..<window
    for column in 0..<window
}

# Two monarch matrices side by side, the second between permutations of its own: two routes for each pair.
topology mixer = parallel(2, monarch, shuffle=1)

network mlp {
    input [28, 28]
    flatten
    view: linear width via windows
    relu
    repeat layers {
        residual {
            norm layer
            linear width via mixer
            relu
        }
    }
    head: linear 10
}

check mlp {
    params <= 55k
    density <= 25%
    view.fan_in.max == window**2 as "a neuron sees its window and nothing else"
    view.fan_out.min >= 1 as "no pixel is ignored"
    repeat1.residual1.linear1.paths.min == 2 as "one broken weight must not cut a pair off"
    depth == 2 * layers + 2  # a monarch matrix is two factors
    head.density == 100%
    variance.forward in 0.5..4 as "signals must survive"
}
