nf 1

network branches {
    input [2, 5]
    sum {
        { flatten; linear 9 via bernoulli(density=50%, seed=1) }
        { flatten; wide: linear 9; relu }
    }
    concat {
        { linear 4 via n_of_m(n=2, m=4, seed=5) }
        { crop 3 }
        { relu; sum { { linear 2 } { crop 2 } } }
    }
    reshape [3, 3]
    linear 4 via dense(width=5) >> dense
}
