nf 1

# Depthwise convolutions look around, pointwise ones mix channels, and nearly all weights are in the latter
# (MobileNetV2, Sandler et al., CVPR 2018). Here the pointwise ones are sparse: each pair of them, wide and
# narrow, has a quarter of the weights.

param width = 16  # channels of the first stage
param expansion = 4  # channels between the two pointwise convolutions, for each one outside
param share = 4  # a pointwise convolution reads one channel out of so many

network mobilenet {
    input [3, 32, 32]
    stem: conv width stride=2 bias=false
    norm batch
    relu
    repeat 2 {
        residual {
            expand: conv expansion * width kernel=1 bias=false via random(width // share)
            norm batch
            relu
            depthwise bias=false
            norm batch
            relu
            narrow: conv width kernel=1 bias=false via random(expansion * width // share)
            norm batch
        }
    }
    # Half the side, four times the channels, and no residual: the shapes differ.
    wider: conv 4 * width kernel=1 bias=false via random(width // share)
    norm batch
    relu
    depthwise stride=2 bias=false
    norm batch
    repeat 2 {
        residual {
            expand: conv 4 * expansion * width kernel=1 bias=false via random(4 * width // share)
            norm batch
            relu
            depthwise bias=false
            norm batch
            relu
            narrow: conv 4 * width kernel=1 bias=false via random(4 * expansion * width // share)
            norm batch
        }
    }
    norm batch
    relu
    pool global
    head: linear 10
}

check mobilenet {
    params <= 30k
    repeat1.residual1.expand.density == 25%
    repeat2.residual1.expand.fan_in.max <= 4 * width // share
    repeat2.residual1.narrow.fan_out.min >= 1 as "no channel is computed in vain"
    repeat1.residual1.depthwise1.params == 9 * expansion * width
    depth == 16
    head.connected
    variance.forward in 0.05..5 as "signals must survive"
}
