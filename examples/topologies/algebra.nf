nf 1

# Sets of edges: union |, intersection &, difference -, complement ~. Each gives one factor with one weight
# an edge, where + keeps the weights of both. From the loosest: >>, then + and -, |, &, ~.

param width = 64
param size = 8
param window = 5

mask past[o, i] = i <= o
mask reads(k)[o] = { j for j in 0..<k } + { j for j in 0..<cols if o < k }  # k global neurons

# The attention pattern of long texts: a window, a few global tokens, and some chance.
topology long_text = band(window) | reads(2) | random(3, seed=1)

# Blocks that look back, and what they leave out.
topology looking_back(s) = block(size=s) & past
topology cut_away(s) = block(size=s) - past

network sets {
    input width
    text: linear width via long_text
    parts: sum {
        { whole: linear width via block(size=size) }
        { joined: linear width via looking_back(size) | cut_away(size) }
        { written: linear width via looking_back(size) }
        { law: linear width via ~(~block(size=size) | ~past) }
    }
    across: linear width via ~block(size=size) >> block(size=size)
}

check sets {
    parts.0.whole.digest == parts.1.joined.digest
    parts.2.written.digest == parts.3.law.digest as "De Morgan"
    text.fan_in.max == width as "the global neurons"
    across.reach == 1 - size / width as "every block but its own"
}
