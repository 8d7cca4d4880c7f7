nf 1

# The dense twin of mnist.nf, which the demo trains beside it.

network mnist_dense {
    input [28, 28]
    flatten
    pad 1024
    repeat 2 {
        linear 1024
        relu
    }
    head: linear 10
}

check mnist_dense {
    density == 100%
}
