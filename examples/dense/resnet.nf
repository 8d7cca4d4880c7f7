nf 1

# The dense twin of ../resnet.nf: the same layers, each with all of its weights.

param width = 16

network resnet {
    input [3, 32, 32]
    stem: conv width stride=2 bias=false
    norm batch
    relu
    stage1: residual {
        conv width bias=false
        norm batch
        relu
        conv width bias=false
        norm batch
    }
    relu
    stage2: residual project=true {
        conv 2 * width stride=2 bias=false
        norm batch
        relu
        conv 2 * width bias=false
        norm batch
    }
    relu
    stage3: residual project=true {
        conv 4 * width stride=2 bias=false
        norm batch
        relu
        conv 4 * width bias=false
        norm batch
    }
    relu
    pool global
    head: linear 10
}

check resnet {
    density == 100%
}
