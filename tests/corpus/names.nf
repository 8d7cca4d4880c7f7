nf 1

# Labels that Python or torch.nn.Module uses.
network class {
    input 6
    forward: linear 6 via diagonal
    training: norm batch
    lambda: relu
    none: linear 6 via random(fan_in=2)
    torch: linear 6
    x: linear 5 via block(size=2)
    _hidden: linear 4
    self: repeat 2 { F: linear 4 via butterfly; nn: tanh }
    weight: linear 4
    parameters: residual project=true { state_dict: linear 3 }
    seed: linear 2
}
