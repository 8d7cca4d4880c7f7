nf 1

let seed = 7
topology flow(k) = random(fan_in=k, seed=seed) + block(count=2)

network algebra {
    input 12
    linear 12 via cascade(3, flow(3))
    linear 12 via cascade(s in 1..2: random(fan_in=s + 1, seed=s))
    linear 10 via parallel(3, block(count=2), shuffle=5)
    linear 12 via transpose(butterfly(radices=[3, 4]))
    linear 8 via permute("reverse") >> monarch >> permute("random", seed=2)
    linear 8 via direct_sum(dense, butterfly(radices=[4]))
    linear 16 via expander(fan_in=3, depth=2)
    linear 16 via permute("bit_reverse") >> butterfly(radix=4)
    linear 8 via parallel(2, transpose(random(fan_in=2)), shuffle=1) >> dense
    linear 8 via butterfly(radix=2, block=2)
    linear 6 via radix_net(systems=[[2]], widths=[4, 3])
}
