nf 1

# The dense twin of ../gpt.nf: the same layers, each with all of its weights.

param tokens = 63
param context = 64
param width = 128
param layers = 3
param heads = 4

network gpt {
    input context
    embed tokens width
    position width
    repeat layers {
        residual {
            norm layer
            attn: attention heads causal=true
        }
        residual {
            norm layer
            up: linear 4 * width
            gelu
            down: linear width
        }
    }
    norm layer
    head: linear tokens
}

check gpt {
    density == 100%
}
