nf 1

# Small world before its rewiring: the `nearby` inputs nearest to an output's own place, round a ring. With
# more or fewer outputs than inputs the place is scaled, o · cols // rows. Rewiring is chance, which a mask
# does not have; the union with a random topology is near to it.

param inputs = 40
param outputs = 60
param nearby = 6

mask nearest(k)[o] = { (o * cols // rows + step) % cols for step in -((k - 1) // 2)..k // 2 }

network twins {
    input inputs
    both: sum {
        { standard: linear outputs via small_world(nearby, rewire=0%) }
        { written: linear outputs via nearest(nearby) }
        { mixed: linear outputs via nearest(nearby) | random(1) }
    }
}

check twins {
    both.0.standard.digest == both.1.written.digest
    both.1.written.fan_in.max == nearby
    both.2.mixed.fan_in.max == nearby + 1
}
