nf 1

network residuals {
    input 12
    first: residual {
        norm layer
        linear 12 via clos
        relu
    }
    residual project=true {
        linear 7 via small_world(fan_in=4, seed=3)
        tanh
    }
    residual {
        residual {
            linear 7 via random(fan_in=3)
        }
        linear 7 via torus
    }
}
