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
    linear 12 via small_world(fan_in=5) init=xavier
    tanh
    linear 12 via bernoulli(density=40%) init=dense_xavier
    sigmoid
    linear 9 via bernoulli(density=60%, seed=9) init=balanced
}
