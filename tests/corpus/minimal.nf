nf 1

network minimal {
    input 4
    linear 3
}
