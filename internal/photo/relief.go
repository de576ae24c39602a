package photo

import "math"

// drawLayer paints one layer of land over what is behind it, from its profile
// down to the shore. Layer 0 is the farthest.
func (v *view) drawLayer(i int, kind relief) {
	depth := 1.0 // 0 far, 1 near
	if n := len(v.layers); n > 1 {
		depth = float64(i) / float64(n-1)
	}
	top := v.profile(i, kind, depth)
	col := mix(v.far, v.near, math.Pow(depth, 1.25))
	veil := mix(v.horizon, col, 0.3)
	reach := float64(v.shore) - v.horizonRow*0.6
	for x := range v.w {
		for y := max(0, int(top[x])); y < v.shore; y++ {
			below := float64(y) - top[x]
			c := v.surface(kind, col, top, x, y, depth)
			c = mix(c, veil, v.mist*(1-0.6*depth)*smooth(0, reach, below))
			v.blend(x, y, c, clamp(below+0.5))
		}
	}
	switch {
	case kind == skyline:
		v.lightWindows(top, depth, i)
	case kind == hills && !v.water:
		v.plantTrees(top, mix(col, v.near, 0.5), depth)
	}
}

// plantTrees scatters round trees over a layer, in groups, most of them at
// its crest.
func (v *view) plantTrees(top []float64, leaf rgb, depth float64) {
	for range 5 + v.rng.IntN(5) {
		group := v.rng.Float64()
		for range 1 + v.rng.IntN(6) {
			x := (group + 0.1*(v.rng.Float64()-0.5)) * float64(v.w)
			down, r := v.rng.Float64(), v.unit*(0.004+0.013*depth)*(0.6+0.7*v.rng.Float64())
			col := max(0, min(v.w-1, int(x)))
			v.drawTree(x, top[col]+0.09*down*down*v.unit*(0.3+depth), r, leaf)
		}
	}
}

// drawTree is a crown with a light and a dark side, and its shadow.
func (v *view) drawTree(cx, foot, r float64, leaf rgb) {
	side := 1.0
	if v.lightX*float64(v.w) < cx {
		side = -1
	}
	cy := foot - r*1.05
	for y := int(cy - 2*r); y <= int(foot+r); y++ {
		for x := int(cx - 4*r); x <= int(cx+4*r); x++ {
			dx, dy := (float64(x)-cx)/r, (float64(y)-cy)/(1.2*r)
			if fall := math.Hypot((dx+side*1.3)/2, (float64(y)-foot)/(0.28*r)); fall < 1 && float64(y) > foot-0.4*r {
				v.blend(x, y, leaf.scaled(0.45), 0.4*clamp((1-fall)*2))
			}
			lobes := 0.16 * (noise(dx*2.2+cx, dy*2.2+cy, v.salt+95) - 0.5)
			d := math.Hypot(dx, dy) + lobes
			lit := clamp(0.5 + 0.42*side*dx - 0.42*dy + 1.2*lobes)
			v.blend(x, y, mix(leaf.scaled(0.55), leaf.plus(v.light, 0.22), lit), clamp((1-d)*r+0.5))
		}
	}
}

// profile gives the upper edge of a layer, in rows, for each column.
func (v *view) profile(i int, kind relief, depth float64) []float64 {
	top := make([]float64, v.w)
	salt := v.salt + uint32(i)*101
	base := v.horizonRow + 0.02*float64(v.h)
	room := float64(v.h) - base
	if !v.water { // layers step down towards the viewer
		base += room * 0.85 * depth * depth
	}
	for x := range top {
		u := float64(x) / v.unit
		var height float64
		switch kind {
		case mountains:
			height = (0.42 - 0.2*depth) * ridge(u*(1.1+0.8*depth), salt)
		case hills:
			height = 0.3 * (1 - 0.35*depth) * (fractal(u*(1.4+depth), 0, 3, salt) - 0.14)
		case dunes:
			crest := 1 - math.Abs(2*noise(u*(1+0.6*(1-depth))+0.5*noise(u*2, 3, salt), 0, salt)-1)
			height = 0.2 * crest * (0.6 + 0.4*noise(u*0.7, 8, salt))
		case forest:
			height = 0.2*(1-0.3*depth)*(fractal(u*1.5, 0, 3, salt)-0.2) + v.treeline(float64(x), depth, salt)
		case skyline:
			height = v.roofs(float64(x), depth, salt)
		}
		if v.water && kind != skyline { // land runs out into the water here and there
			height *= 0.25 + 0.75*smooth(0.28, 0.6, noise(u*1.3+9, 0, salt+7))
		}
		top[x] = base - height*float64(v.h)
	}
	return top
}

// ridge is a mountain range, 0 to 1: sharp crests, rough flanks.
func ridge(u float64, salt uint32) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for o := range uint32(7) {
		n := 1 - math.Abs(2*noise(u, 0, salt+o)-1)
		sum += weight * n * (0.4 + 0.6*n)
		total += weight
		u, weight = u*2.07+3.7, weight*0.46
	}
	return clamp(sum/total*1.15 - 0.08)
}

// treeline adds the tips of pines, as a part of the picture's height.
func (v *view) treeline(x, depth float64, salt uint32) float64 {
	pitch := v.unit * (0.007 + 0.012*depth)
	best := 0.0
	for k := -1.0; k <= 1; k++ {
		cell := math.Floor(x/pitch) + k
		h := hash(uint32(int(cell)), salt+31)
		at := (cell + 0.25 + 0.5*float64(h&255)/255) * pitch
		tall := pitch * (1.6 + 1.9*float64(h>>8&255)/255)
		best = max(best, tall*(1-math.Abs(x-at)/(pitch*0.62)))
	}
	return best / float64(v.h)
}

// roofs is a row of buildings, as a part of the picture's height.
func (v *view) roofs(x, depth float64, salt uint32) float64 {
	pitch := v.unit * (0.022 + 0.02*depth)
	cell := math.Floor(x / pitch)
	h := hash(uint32(int(cell)), salt+13)
	centre := math.Exp(-math.Pow((cell*pitch/float64(v.w)-0.5)*2.2, 2))
	tall := 0.05 + (0.3-0.12*depth)*centre*math.Pow(float64(h&255)/255, 1.6) + 0.05*float64(h>>8&255)/255
	within := x/pitch - cell
	if h>>16&7 == 0 && math.Abs(within-0.5) < 0.06 { // a mast
		tall += 0.035
	}
	if h>>19&3 == 0 && (within < 0.18 || within > 0.82) { // a set-back
		tall -= 0.03
	}
	return tall
}

// lightWindows switches on some of the windows of a skyline.
func (v *view) lightWindows(top []float64, depth float64, layer int) {
	pitch := v.unit * (0.022 + 0.02*depth)
	step := max(3, pitch/4.5)
	warm, cool := hex(0xffd58a), hex(0xbfe0ff)
	for x := range v.w {
		column := math.Floor(float64(x) / step)
		if fx := float64(x)/step - column; fx < 0.25 || fx > 0.8 {
			continue
		}
		for y := int(top[x] + step); y < v.shore-int(step/2); y++ {
			row := math.Floor(float64(y) / step)
			fy := float64(y)/step - row
			h := hash(uint32(int(column))+v.salt, uint32(int(row))+uint32(layer)*977)
			if fy < 0.3 || fy > 0.8 || h&255 > 80 {
				continue
			}
			v.blend(x, y, mix(warm, cool, float64(h>>8&3)/4), 0.35+0.5*float64(h>>16&255)/255)
		}
	}
}

// surface colours a point of a layer: flanks turned to the light are lighter,
// peaks may carry snow.
func (v *view) surface(kind relief, col rgb, top []float64, x, y int, depth float64) rgb {
	below := (float64(y) - top[x]) / v.unit
	u, w := float64(x)/v.unit, float64(y)/v.unit
	side := math.Tanh(5 * (v.lightX - float64(x)/float64(v.w))) // where the light comes from
	switch kind {
	case mountains:
		return v.rock(col, u, w, below, side)
	case dunes:
		// A crest parts light from shade; the edge runs down from it and fades.
		facing := side * v.slope(top, x-int(side*below*0.7*v.unit)) * math.Exp(-below*7)
		ripple := noise(u*5+w*26, w*80-u*12, v.salt+82) - 0.5
		swell := noise(u*1.7, w*5, v.salt+83) - 0.5
		return mix(col.scaled(0.74), col.plus(v.light, 0.34), clamp(0.5+0.55*facing+0.13*ripple+0.6*swell))
	case hills:
		meadow := fractal(u*3, w*11, 3, v.salt+84) - 0.5
		mown := 0.5 + 0.5*math.Sin(2*math.Pi*(u*9+w*30+6*noise(u*2, w*5, v.salt+86))) // bands of a field
		if !v.water {
			field := smooth(0.5, 0.56, noise(u*4, w*13, v.salt+87))
			col = mix(col, mix(col, hex(0xe9d66b), 0.22+0.1*mown), field*0.8)
		}
		return mix(col.scaled(0.8), col.plus(v.light, 0.2), clamp(0.75+0.45*side*v.slope(top, x)+0.6*meadow-1.6*below))
	case forest:
		return col.scaled(0.94 + 0.12*noise(u*90, w*40, v.salt+85) - 0.1*depth)
	}
	return col
}

// rock shades a mountain as if it stood out: a field of ridges that run down
// from the crest, lit from one side.
func (v *view) rock(col rgb, u, w, below, side float64) rgb {
	const step = 0.006
	height := func(u, w float64) float64 {
		sum, weight := 0.0, 1.0
		for o := range uint32(4) {
			f := float64(int(1) << o)
			sum += weight * (1 - math.Abs(2*noise(u*7*f+w*1.5, w*3.2*f, v.salt+80+o)-1))
			weight *= 0.55
		}
		return sum
	}
	lit := side*(height(u, w)-height(u+step, w+step*0.3))*6 + 0.15*math.Abs(side)
	shade := clamp(0.5 + 0.5*math.Tanh(lit*1.3))
	rocky := mix(col.scaled(0.72), col.plus(v.light, 0.26), shade)
	if v.snow == 0 {
		return rocky
	}
	ragged := fractal(u*16, w*16, 3, v.salt+90) - 0.5
	white := mix(mix(v.far, v.horizon, 0.25).scaled(0.86), mix(v.horizon, rgb{1, 1, 1}, 0.55), shade)
	return mix(rocky, white, v.snow*smooth(0.13, 0.07, below+0.13*ragged)*smooth(0.15, 0.4, shade+0.25))
}

// slope says how steeply a profile rises to the right around a column, about -1 to 1.
func (v *view) slope(top []float64, x int) float64 {
	reach := max(2, int(v.unit/40))
	at := func(i int) float64 { return top[max(0, min(len(top)-1, i))] }
	return math.Tanh((at(x-reach) - at(x+reach)) / float64(2*reach) * -1.5)
}

// drawPines frames the view with a few dark trees at its sides.
func (v *view) drawPines() {
	ink := v.near.scaled(0.55)
	left := v.lightX > 0.5
	for range 3 + v.rng.IntN(4) {
		at := 0.02 + 0.2*v.rng.Float64()*v.rng.Float64()
		if left != (v.rng.IntN(5) > 0) {
			at = 1 - at
		}
		v.drawPine(at*float64(v.w), float64(v.h)*1.03, v.unit*(0.3+0.3*v.rng.Float64()), ink)
	}
}

// drawPine has tiers of branches, wider downwards, ragged at their tips.
func (v *view) drawPine(cx, foot, tall float64, ink rgb) {
	tiers := 9 + v.rng.Float64()*4
	salt := v.rng.Uint32()
	for y := max(0, int(foot-tall)); y < v.h; y++ {
		t := (float64(y) - foot + tall) / tall
		tier := t * tiers
		within := tier - math.Floor(tier)
		for _, side := range []float64{-1, 1} {
			reach := 0.75 + 0.5*noise(math.Floor(tier), side, salt)
			ragged := 0.85 + 0.3*noise(float64(y)/max(1, tall*0.006), side*5, salt+1)
			half := tall * 0.2 * math.Pow(t, 0.85) * (0.4 + 0.6*within*within) * reach * ragged
			half = max(half, tall*0.009*t+0.3)
			for x := 0; float64(x) <= half+1; x++ {
				px := int(math.Floor(cx)) + int(side)*x
				if x == 0 && side > 0 {
					continue
				}
				v.blend(px, y, ink, clamp(half-float64(x)+0.5))
			}
		}
	}
}
