nf 1

network activations {
    input 8
    linear 8 via diagonal
    relu
    linear 8 via block(size=4)
    gelu
    linear 8 init=xavier via block(count=2)
    silu
    linear 8 bias=false via butterfly
    tanh
    linear 8 via hypercube
    sigmoid
    linear 8 via band(width=2, wrap=true)
    leaky_relu slope=.2
    linear 6 via random(fan_in=3)
    softmax
    linear 4
    log_softmax axis=-1
}
