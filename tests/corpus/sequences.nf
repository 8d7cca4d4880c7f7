nf 1

# Sequences: tokens and positions, attention of every sort, products and norms on [T, D], transposes.

network tokens {
    input 6
    embed 11 8
    position 8
}

network mixing {
    input [4, 6]
    residual { transpose; linear 4 via random(fan_in=2); relu; transpose }
    residual { linear 6 via monarch; norm batch }
    attention 3 bias=false
    pad 8
    crop 5
    attention 1 causal=true via block(count=2) + random(fan_in=2)
    transpose
    flatten
    head: linear 3
}

network one_token {
    input [1, 4]
    attention 4 init=xavier via random(fan_in=3) >> diagonal
    position 4
}

network alone {
    input 5
    embed 3 4
}

network patches {
    input [4, 6]
    reshape [2, 2, 3, 2]
    transpose
    reshape [4, 6]
    concat { { attention 2 via butterfly } { linear 3 } }
    sum { { attention 3 } { linear 9 } }
}

network language {
    input 6
    tokens
    repeat 2 {
        residual { norm layer; attn: attention 2 causal=true via monarch }
        residual { norm rms; linear 12 via random(fan_in=4); gelu; linear 8 via random(fan_in=6) }
    }
    norm layer
    head: linear 11
}
