nf 1

# Dilated causal layers: taps that lie 1, 2, 4, … steps apart, so that a few layers hear a long past.
#
# Taps before the beginning are dropped, so the first outputs read fewer inputs. Each layer has two taps
# and doubles the past that is heard, by one path.

param steps = 64

mask taps(gap, count=2)[o] = { o - tap * gap for tap in 0..<count }

topology hearing = cascade(layer in 0..<log2(cols): taps(2**layer))

network sequence {
    input steps
    heard: linear steps via hearing
}

check sequence {
    heard.factors == log2(steps)
    heard.fan_in.max == 2
    heard.paths.max == 1
    heard.reach == (steps + 1) / (2 * steps) as "everything up to the present"
}
