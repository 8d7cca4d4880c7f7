nf 1

# A network inside a network, copies inside copies, shared topologies.
topology step(r=2) = butterfly(radix=r) >> permute("shuffle", radix=r)

network unit {
    input 8
    linear 8 via step()
    norm rms
    relu
}

network stages {
    input 8
    repeat 2 {
        unit
        repeat 2 {
            linear 8 via random(fan_in=2)
            tanh
        }
    }
    last: unit
    linear 3
}
