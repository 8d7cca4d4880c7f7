nf 1

# A small causal language model of characters, 63 as in examples/data/shakespeare.txt, with two fifths of the
# weights of dense layers. Attention has two routes for each pair of features; the feed-forward layers read as
# many features as they can afford.

param tokens = 63  # different characters
param context = 64  # characters that the model sees
param width = 128  # a multiple of `heads`
param layers = 3
param heads = 4
param fan_in = 48  # inputs of a neuron in a feed-forward layer, of `width`

# Every pair of features is joined twice; the shuffle makes the second route differ from the first.
topology mixer = parallel(2, monarch, shuffle=1)

network gpt {
    input context
    embed tokens width
    position width
    repeat layers {
        residual {
            norm layer
            attn: attention heads causal=true via mixer
        }
        residual {
            norm layer
            up: linear 4 * width via random(fan_in)
            gelu
            down: linear width via random(4 * fan_in)
        }
    }
    norm layer
    head: linear tokens
}

check gpt {
    params <= 275k
    density <= 40%
    each attention {
        density <= 40%
        connected
        paths.min == 2 as "one broken weight must not cut a pair off"
    }
    repeat1.residual2.up.fan_in.max <= fan_in
    depth == layers * (4 + 2) + 1
    head.density == 100%
    variance.forward in 0.5..2 as "signals must survive"
    variance.backward in 0.5..4
}
