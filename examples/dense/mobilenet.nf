nf 1

# The dense twin of ../mobilenet.nf: the same layers, each with all of its weights.

param width = 16
param expansion = 4

network mobilenet {
    input [3, 32, 32]
    stem: conv width stride=2 bias=false
    norm batch
    relu
    repeat 2 {
        residual {
            expand: conv expansion * width kernel=1 bias=false
            norm batch
            relu
            depthwise bias=false
            norm batch
            relu
            narrow: conv width kernel=1 bias=false
            norm batch
        }
    }
    wider: conv 4 * width kernel=1 bias=false
    norm batch
    relu
    depthwise stride=2 bias=false
    norm batch
    repeat 2 {
        residual {
            expand: conv 4 * expansion * width kernel=1 bias=false
            norm batch
            relu
            depthwise bias=false
            norm batch
            relu
            narrow: conv 4 * width kernel=1 bias=false
            norm batch
        }
    }
    norm batch
    relu
    pool global
    head: linear 10
}

check mobilenet {
    each conv { density == 100% }
}
