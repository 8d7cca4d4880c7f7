nf 1

# A small causal language model on bytes. Its attention and feed-forward layers have a quarter of the
# weights of dense ones: attention's four by two paths of two hops, the others with as few inputs a neuron.

param context = 64  # tokens that the model sees
param width = 256  # a multiple of `heads`
param layers = 4
param heads = 8
param fan_in = 64  # inputs of a neuron in a feed-forward layer
let tokens = 256  # one a byte

topology mixer = parallel(2, monarch)

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
    density <= 40%
    each attention {
        density <= 25%
        connected
        paths.min == 2 as "one broken weight must not cut a pair off"
    }
    repeat1.residual2.up.fan_in.max <= fan_in
    depth == layers * (4 + 2) + 1
    head.density == 100%
    variance.forward in 0.5..2 as "signals must survive"
    variance.backward in 0.5..4
}
