nf 1

network initialised {
    init orthogonal
    input 16
    linear 16 via butterfly
    relu
    linear 16 via parallel(2, monarch)
    gelu
    linear 12 init=kaiming
    leaky_relu
    linear 12 init=xavier via small_world(fan_in=5)
    tanh
    linear 12 init=dense_xavier via bernoulli(density=40%)
    sigmoid
    linear 9 init=balanced via bernoulli(density=60%, seed=9)
}
