nf 1

# A residual network for images like CIFAR's (He et al., CVPR 2016). A convolution's topology wires channels: each
# output channel reads a few random input channels, every one through a whole 3 × 3 kernel. Residuals carry the
# rest, and the next convolutions, wired anew, join what one of them does not.

param width = 16  # channels of the first stage; 64 is the size that papers train
param share = 5  # from the second stage on, a channel reads one out of so many

network resnet {
    input [3, 32, 32]
    stem: conv width stride=2 bias=false
    norm batch  # it shifts the channels, so the convolution before it needs no bias
    relu
    stage1: residual {
        conv width bias=false via random(width // 4)
        norm batch
        relu
        conv width bias=false via random(width // 4)
        norm batch
    }
    relu
    # Half the side, twice the channels. The input has to follow: `project` gives it a strided 1 × 1 convolution.
    stage2: residual project=true {
        conv 2 * width stride=2 bias=false via random(width // 4)
        norm batch
        relu
        conv 2 * width bias=false via random(2 * width // share)
        norm batch
    }
    relu
    stage3: residual project=true {
        conv 4 * width stride=2 bias=false via random(2 * width // share)
        norm batch
        relu
        conv 4 * width bias=false via random(4 * width // share)
        norm batch
    }
    relu
    pool global
    head: linear 10
}

check resnet {
    params <= 20k
    stage1.conv1.density == 25%
    stage3.conv2.fan_in.max <= 4 * width // share
    stage3.conv2.fan_out.min >= 1 as "no channel is computed in vain"
    stage2.project.connected
    depth == 8  # the stem, six convolutions, the head
    flops <= 10M
    head.density == 100%
    variance.forward in 0.2..5 as "signals must survive"
}
