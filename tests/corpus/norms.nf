nf 1

network norms {
    input [3, 6]
    norm layer
    linear 8 via monarch
    norm rms
    gelu
    flatten
    norm batch
    dropout 10%
    linear 4 via lowrank(rank=2)
}
