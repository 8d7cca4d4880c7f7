nf 1

# Depthwise convolutions, and branches and residuals of [C, H, W].

network separable {
    input [8, 8, 8]
    depthwise kernel=[3, 5]
    conv 12 kernel=1 via random(fan_in=3)
    leaky_relu slope=0.2
    residual { depthwise bias=false; conv 12 kernel=1 via hypercube }
    residual project=true {
        depthwise stride=2
        norm batch
        relu
        conv 20 kernel=1 via butterfly
    }
    concat {
        { conv 4 }
        {
            pool avg kernel=[1, 2] stride=1
            conv 6 kernel=2 padding=[0, 1]
            conv 3 kernel=[2, 1] padding=[1, 0]
        }
        { dropout 20% }
    }
    sum { { conv 8 kernel=1 } { conv 8 via dense(width=3) >> dense } }
    softmax axis=-3
    repeat 2 { conv 8 via benes; relu }
    pool avg kernel=2
    reshape [2, 16]
    norm group groups=2
    log_softmax
}
